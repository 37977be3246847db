"""A school of leagues in the third week, whose players have recorded as many completions as asked."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from shared.auth import Caller
from tests.bench.bench import Bench
from tests.bench.load import Target, request
from tests.bench.record import Game
from tests.house import token_of

CATALOGUE = 112
"""As many challenges as the seed's catalogue has: a player's day weighs them all."""
FILL = """
INSERT INTO completions (
    tenant_id, completion_id, league_id, edition_tenant_id, edition_id, team_id, player_id, subject_id, challenge_id,
    challenge_version, category, tier, points, co2e_g, water_ml, day, period, slot, slots, author_id, recorded_at
)
SELECT p.tenant_id, gen_random_uuid(), p.league_id, l.edition_tenant_id, l.edition_id, p.team_id, p.player_id,
    p.player_id, c.challenge_id, 1, 'food', 'standard', 3, 4120, 334000, d::date, to_char(d, 'YYYY-MM-DD'), 0, 1,
    p.person_id, d + interval '8 hours' + random() * interval '12 hours'
FROM generate_series(current_date - 19, current_date - 1, interval '1 day') d
CROSS JOIN players p JOIN leagues l ON l.tenant_id = p.tenant_id AND l.league_id = p.league_id
CROSS JOIN challenges c
LIMIT %s
"""


class Leagues:
    """The service with its completions, and targets that open its pages in turn."""

    def __init__(self, bench: Bench, completions: int) -> None:
        self.settings = bench.settings("leagues", log_level="WARNING")
        self.game = Game(self.settings, challenges=CATALOGUE)
        bench.start_role("leagues", "web", self.settings)
        self.game.open()
        bench.postgres.query(FILL, completions, database="leagues")
        bench.postgres.query("VACUUM ANALYZE", database="leagues")

    def pages(self, rest: str = "") -> Target:
        """A page of each player's league, asked for by the player."""
        return self._target((league, player, rest) for league, player in self.game.players)

    def recording(self) -> Target:
        """The page on which a player records each challenge."""
        players = islice(self.game.players, len(self.game.challenges))
        return self._target(
            (league, player, f"/record/{challenge}")
            for (league, player), challenge in zip(players, self.game.challenges, strict=False)
        )

    def led(self, rest: str) -> Target:
        """A page of each league, asked for by who leads them all."""
        leagues = dict.fromkeys(league for league, _player in self.game.players)
        return self._target((league, self.game.teacher, rest) for league in leagues)

    def start(self) -> Target:
        """The leagues of the school, asked for by who leads them."""
        return self._target([("", self.game.teacher, "")])

    def _target(self, asked: Iterable[tuple[str, Caller, str]]) -> Target:
        requests = [
            request("GET", f"/leagues/{league}{rest}", headers={"Authorization": f"Bearer {token_of(caller)}"})
            for league, caller, rest in asked
        ]
        return Target(self.settings.port, requests, connections=1)
