"""The game: editions, leagues, teams, players and their completions.

Owns: editions and their phases; leagues with teams, leaders and players; completions.
Emits: EditionScheduled, EditionFrozen, EditionRevealed; LeagueCreated, TeamCreated, LeaderAppointed, LeaderResigned,
PlayerJoined, PlayerMoved, PlayerRenamed, PlayerLeft; CompletionRecorded, CompletionWithdrawn.
Listens: tenants and people (identity), the catalogue (challenges).
"""
