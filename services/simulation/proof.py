"""The proof: every board, recomputed from the completions that leagues holds, and compared with what ranking shows.

The recomputation is plain SQL over leagues' own tables and shares no line with ranking. It goes league by league, and
keeps two numbers per league for the places on the edition's boards.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.leagues.domain.editions import calendar_of
from services.leagues.models import Completion, Edition, League, Player, Team
from services.ranking.domain import read_board, verify
from services.ranking.domain.boards import StandingLine
from services.ranking.models import LedgerEntry
from services.simulation import world
from shared.auth import ADMINISTRATOR, OPERATOR, Caller
from shared.database import Database
from shared.tenancy import across_tenants

SHOWN = 20
PAGE = 100


class Proof(msgspec.Struct, kw_only=True):
    """How many boards were looked at, and what was wrong with them."""

    boards: int = 0
    boards_wrong: int = 0
    entries: int = 0
    entries_expected: int = 0
    inconsistencies: int = 0
    sentences: list[str] = msgspec.field(default_factory=list)

    @property
    def is_right(self) -> bool:
        """Whether nothing at all was wrong."""
        return not self.boards_wrong and not self.inconsistencies and self.entries == self.entries_expected

    def note(self, board: str, wrong: list[str]) -> None:
        """Counts one board."""
        self.boards += 1
        if wrong:
            self.boards_wrong += 1
            self.complain(f"{board}: {'; '.join(wrong[:3])}")

    def complain(self, sentence: str) -> None:
        """Keeps the first sentences."""
        if len(self.sentences) < SHOWN:
            self.sentences.append(sentence)


class Contender(msgspec.Struct, frozen=True):
    """What somebody should show on a board of the edition."""

    points: int
    heads: int

    @property
    def per_head(self) -> float | None:
        """Points by head, as exact as a board shows them."""
        return self.points / self.heads if self.heads else None


def prove(databases: Mapping[str, Database]) -> Proof:
    """Checks every board of every edition by reading alone. All events must have arrived."""
    proof = Proof()
    with (
        databases["leagues"].transaction(across_tenants(), read_only=True) as game,
        databases["ranking"].transaction(across_tenants(), read_only=True) as ranking,
    ):
        for edition in game.scalars(sa.select(Edition).where(Edition.published_at.is_not(None))).all():
            _prove_edition(proof, databases["leagues"], game, ranking, edition)
        proof.entries = ranking.scalar(sa.select(sa.func.count()).select_from(LedgerEntry)) or 0
        proof.entries_expected = (
            game.scalar(sa.select(sa.func.count() + sa.func.count(Completion.withdrawn_at)).select_from(Completion))
            or 0
        )
        if proof.entries != proof.entries_expected:
            proof.complain(f"the ledger has {proof.entries} entries instead of {proof.entries_expected}")
    # Not in the transaction of the game, which PostgreSQL would end for idleness meanwhile.
    with databases["ranking"].transaction(across_tenants(), read_only=True) as ranking:
        differences = verify(ranking)
    proof.inconsistencies = len(differences)
    for difference in differences:
        proof.complain(str(difference))
    return proof


def _prove_edition(proof: Proof, leagues_database: Database, game: Session, ranking: Session, edition: Edition) -> None:
    leagues: dict[UUID, Contender] = {}
    tenants: dict[UUID, Counter[str]] = defaultdict(Counter)
    totals = array("q")
    averages = array("d")
    for _number, league, _tenant, _leader in world.each_league(leagues_database, edition.edition_id):
        contender = _prove_league(proof, game, ranking, edition, league)
        leagues[league.league_id] = contender
        tenants[league.tenant_id].update(points=contender.points, heads=contender.heads)
        totals.append(contender.points)
        if contender.per_head is not None:
            averages.append(contender.per_head)
    sums = {tenant_id: Contender(count["points"], count["heads"]) for tenant_id, count in tenants.items()}
    _prove_edition_board(proof, ranking, edition, "edition_leagues", leagues)
    _prove_edition_board(proof, ranking, edition, "edition_tenants", sums)


def _prove_edition_board(
    proof: Proof, ranking: Session, edition: Edition, board: str, expected: dict[UUID, Contender]
) -> None:
    owner = world.caller(edition.tenant_id, "platform", "", edition.zone, edition.edition_id, ADMINISTRATOR, OPERATOR)
    for measure in ("total", "per_head"):
        scored = {
            key: float(contender.points) if measure == "total" else contender.per_head
            for key, contender in expected.items()
        }
        ascending = sorted(score for score in scored.values() if score is not None)
        wrong = []
        seen = 0
        for line in _lines(ranking, owner, board, edition.edition_id, measure):
            seen += 1
            contender = expected.get(line.contender_id, Contender(0, 0))
            if (line.points, line.heads) != (contender.points, contender.heads):
                wrong.append(f"{line.name} shows {line.points}/{line.heads}, not {contender.points}/{contender.heads}")
            score = scored.get(line.contender_id)
            place = 1 + len(ascending) - bisect_right(ascending, score if score is not None else 0.0)
            if line.place != place:
                wrong.append(f"{line.name} is at place {line.place} instead of {place}")
        if seen != len(ascending):
            wrong.append(f"{seen} contenders instead of {len(ascending)}")
        proof.note(f"{board} of {edition.name} by {measure}", wrong)


def _prove_league(proof: Proof, game: Session, ranking: Session, edition: Edition, league: League) -> Contender:
    """Checks the boards of a league and its teams; returns what the league should show on the edition's."""
    of_team: dict[UUID, Counter[UUID]] = defaultdict(Counter)
    of_player: Counter[UUID] = Counter()
    of_league: Counter[UUID] = Counter()
    rows = game.execute(
        sa.select(Completion.team_id, Completion.player_id, sa.func.sum(Completion.points))
        .where(
            Completion.tenant_id == league.tenant_id,
            Completion.league_id == league.league_id,
            Completion.withdrawn_at.is_(None),
        )
        .group_by(Completion.team_id, Completion.player_id)
    )
    for team_id, player_id, total in rows:
        points = int(total)  # PostgreSQL adds up to a Decimal
        of_league[team_id] += points
        if player_id is not None:
            of_team[team_id][player_id] += points
            of_player[player_id] += points
    member = world.caller(league.tenant_id, "", "", league.zone, league.league_id, ADMINISTRATOR)
    boards = [("league_teams", league.league_id, of_league), ("league_players", league.league_id, of_player)]
    teams = game.scalars(sa.select(Team.team_id).where(Team.league_id == league.league_id))
    boards += [("team_players", team_id, of_team[team_id]) for team_id in teams]
    for board, scope_id, expected in boards:
        lines = list(_lines(ranking, member, board, scope_id, "total"))
        proof.note(f"{board} of {league.name}", _wrong(lines, expected))
    heads = _heads(game, league, calendar_of(edition, league.zone).heads_frozen_at)
    return Contender(of_league.total(), heads)


def _heads(game: Session, league: League, frozen_at: datetime) -> int:
    """Who was there when the heads were frozen, or came later: leaving afterwards changes nothing."""
    return (
        game.scalar(
            sa.select(sa.func.count())
            .select_from(Player)
            .where(
                Player.tenant_id == league.tenant_id,
                Player.league_id == league.league_id,
                sa.or_(Player.left_at.is_(None), Player.left_at >= frozen_at),
            )
        )
        or 0
    )


def _lines(ranking: Session, reader: Caller, board: str, scope_id: UUID, measure: str) -> Iterator[StandingLine]:
    """A whole board, page by page, as its readers get it."""
    page = 1
    while True:
        found = read_board(ranking, reader, board, scope_id, measure=measure, page=page, page_size=PAGE)
        yield from found.standings
        if page * PAGE >= found.total:
            return
        page += 1


def _wrong(lines: list[StandingLine], expected: Counter[UUID]) -> list[str]:
    wrong = []
    shown = {line.contender_id: line.points for line in lines}
    for contender_id, points in expected.items():
        if points and contender_id not in shown:
            wrong.append(f"{contender_id} is missing with {points} points")
    for line in lines:
        if line.points != expected[line.contender_id]:
            wrong.append(f"{line.name} shows {line.points} points instead of {expected[line.contender_id]}")
        place = 1 + sum(points > line.points for points in shown.values())
        if line.place != place:
            wrong.append(f"{line.name} is at place {line.place} instead of {place}")
    return wrong
