"""ranking: who is where, and what it saved.

Owns: the points ledger, the boards (standings, histograms, snapshots of frozen editions), impact totals, counters.
Emits: BoardsRevealed.
Listens: identity (tenants' names, who may sign in), leagues (editions, leagues, teams, players, completions).
"""
