"""Whatever happens in a league, and however the news of it travels, the boards say the same.

Hypothesis invents the history. It is played through the domain of leagues, at moments of its own; the events in the
outbox then reach fresh rankings in order, twice, shuffled, and interrupted in mid-batch.
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from services.leagues.domain import completions, editions, leagues, players, recording, teams
from services.leagues.domain.recording import Act
from services.leagues.models import Completion, Edition, League, Player, Team
from services.ranking.app import SERVICE as RANKING
from services.ranking.domain import verify
from services.ranking.models import Counters, HistogramBar, LedgerEntry, Standing, Summary
from shared.clock import at_wall_clock
from shared.consumer import Consumer, DeadLetter, Received
from shared.contracts import Tier
from shared.database import Database, new_id
from shared.errors import Refusal
from shared.migrations import metadata_of
from shared.outbox import OutboxRow
from shared.tenancy import across_tenants
from tests.builders import at, publish_challenge, teacher_of
from tests.house import DirectBus, House

STARTS = datetime(2026, 3, 16, 9)  # noqa: DTZ001 (a wall-clock time: it has no zone)
DAYS = 21
BATCH = 7
MOVES = ("join", "record", "record", "record", "team", "withdraw", "move", "leave", "return", "rename", "balance")
Step = tuple[str, int, int]
STEPS = st.lists(st.tuples(st.sampled_from(MOVES), st.integers(0, 50), st.integers(0, 50)), min_size=4, max_size=14)
HISTORIES = st.lists(STEPS, min_size=2, max_size=6)
"""What happens in each phase, from registration on: running, grace, frozen, revealed; not all of them get so far."""
BEGINNING = [("join", 0, 1), ("join", 1, 1), ("join", 0, 1)]


class History:
    """An edition with two leagues, and what happened in them."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.teacher = teacher_of(house)
        self.position = self._last_position()
        self.challenges = [
            publish_challenge(house, tiers=[Tier(tier="standard", points=points)], times=2, kind=kind)
            for points, kind in ((3, "individual"), (-2, "individual"), (5, "team"))
        ]
        self.now = at_wall_clock(STARTS - timedelta(days=3), "Europe/Paris")
        self.recorded: list[UUID] = []
        with at(house, self.teacher, self.now) as session:
            dates = {"starts_at": STARTS, "ends_at": STARTS + timedelta(days=DAYS), "registration_ends_at": STARTS}
            limits = {"name": "Mars", "audience": "school", "grace_days": 2, "min_players": 1, "max_players": 12}
            edition = editions.open_edition(session, self.teacher, dates | limits)
            editions.publish_edition(session, edition)
            self.edition_id = edition.edition_id
            self.leagues = [self._open(session, name) for name in ("CM1", "CM2")]

    def _open(self, session: Session, name: str) -> UUID:
        facts = {"edition_id": self.edition_id, "name": name, "age_band": None, "is_open": False, "teams": ["A", "B"]}
        return leagues.create_league(session, self.teacher, facts).league_id

    def _last_position(self) -> int:
        with self.house.databases["leagues"].transaction(across_tenants(), read_only=True) as session:
            return session.scalar(sa.select(sa.func.max(OutboxRow.position))) or 0

    def play(self, phases: Sequence[Sequence[Step]]) -> None:
        """One list of steps per phase."""
        for number, steps in enumerate(phases):
            if number:
                self.go_on(number - 1)
            self._live(steps)

    def _live(self, steps: Sequence[Step]) -> None:
        """Each step at a later moment than the one before; what the rules refuse does not happen."""
        for what, one, other in steps:
            self.now += timedelta(hours=3)
            try:
                with at(self.house, self.teacher, self.now) as session:
                    league = leagues.find_league(session, self.leagues[one % 2])
                    getattr(self, f"_{what}")(session, league, one // 2, other)
            except Refusal:
                pass

    def _some(self, session: Session, statement: Any, number: int) -> Any:
        found = session.scalars(statement).all()
        if not found:
            raise Refusal
        return found[number % len(found)]

    def _player(self, session: Session, league: League, number: int) -> Player:
        player: Player = self._some(session, players.list_players(league), number)
        return player

    def _team_of(self, session: Session, league: League, number: int) -> Team:
        team: Team = self._some(session, teams.list_teams(league), number)
        return team

    def _join(self, session: Session, league: League, one: int, other: int) -> None:
        players.add_players(session, league, [f"Lynx {one}", f"Pie {other}"][: 1 + other % 2], None)

    def _record(self, session: Session, league: League, one: int, other: int) -> None:
        player = self._player(session, league, one)
        self._act(session, league, challenge_id=self.challenges[other % 2], player_id=player.player_id, day=other % 4)

    def _team(self, session: Session, league: League, one: int, other: int) -> None:
        team = self._team_of(session, league, one)
        self._act(session, league, challenge_id=self.challenges[2], team_id=team.team_id, day=other % 4)

    def _act(self, session: Session, league: League, *, day: int, **subject: Any) -> None:
        when: date = self.now.date() - timedelta(days=day)
        act = Act(completion_id=new_id(), day=when, **subject)
        recording.record_completion(session, self.teacher, league.league_id, act)
        self.recorded.append(act.completion_id)

    def _withdraw(self, session: Session, league: League, one: int, other: int) -> None:
        if not self.recorded:
            raise Refusal
        chosen = self.recorded[(one * 51 + other) % len(self.recorded)]
        completion = completions.find_completion(session, self.teacher, chosen, is_locked=True)
        completions.withdraw_completion(session, self.teacher, completion)

    def _move(self, session: Session, league: League, one: int, other: int) -> None:
        team = self._team_of(session, league, other)
        players.move_player(session, league, self._player(session, league, one), team.team_id)

    def _leave(self, session: Session, league: League, one: int, other: int) -> None:
        players.leave_league(session, self.teacher, league, self._player(session, league, one))

    def _return(self, session: Session, league: League, one: int, other: int) -> None:
        """The teacher plays along, leaves and comes back: the one person of this class who can."""
        own = sa.select(Player).where(
            Player.league_id == league.league_id,
            Player.person_id == self.teacher.person_id,
            Player.left_at.is_(None),
        )
        playing = session.scalar(own)
        if playing is None:
            players.join_league(session, self.teacher, league, display_name=f"Prof {other}", team_id=None)
        else:
            players.leave_league(session, self.teacher, league, playing)

    def _rename(self, session: Session, league: League, one: int, other: int) -> None:
        name = f"Nom {other}"
        if one % 3 == 0:
            leagues.change_league(session, league, {"name": name})
        elif one % 3 == 1:
            teams.rename_team(session, league, self._team_of(session, league, one), name)
        else:
            player = self._player(session, league, one)
            players.change_player(session, self.teacher, league, player, {"display_name": name})

    def _balance(self, session: Session, league: League, one: int, other: int) -> None:
        players.balance_teams(session, league)

    def go_on(self, number: int) -> None:
        """The next phase: the clock jumps to the start and to the end, then people freeze and reveal."""
        if number < 2:
            self.now = max(self.now, at_wall_clock(STARTS + timedelta(days=DAYS * number), "Europe/Paris"))
            return
        with at(self.house, self.teacher, self.now) as session:
            edition = editions.find_edition(session, self.edition_id)
            editions.move_to_phase(session, edition, editions.FROZEN if number == 2 else editions.REVEALED)

    def events(self) -> list[bytes]:
        """What leagues has told since the history began."""
        with self.house.databases["leagues"].transaction(across_tenants(), read_only=True) as session:
            rows = session.scalars(
                sa.select(OutboxRow.envelope).where(OutboxRow.position > self.position).order_by(OutboxRow.position)
            )
            return [row.encode() for row in rows]

    def naive(self) -> dict[str, dict[tuple[UUID, UUID], int]]:
        """The points of (scope, contender) by plain adding up: live, and as they were when the edition froze."""
        with self.house.databases["leagues"].transaction(across_tenants(), read_only=True) as session:
            edition = session.get_one(Edition, (self.teacher.tenant_id, self.edition_id))
            done = session.scalars(sa.select(Completion).where(Completion.edition_id == self.edition_id)).all()
        live = [one for one in done if one.withdrawn_at is None]
        points = {"live": self._sums(live)}
        if edition.frozen_at is not None and edition.revealed_at is None:
            at = edition.frozen_at
            then = [one for one in done if one.recorded_at <= at and not (one.withdrawn_at and one.withdrawn_at <= at)]
            points["frozen"] = self._sums(then)
        return points

    def _sums(self, done: Sequence[Completion]) -> dict[tuple[UUID, UUID], int]:
        sums: Counter[tuple[UUID, UUID]] = Counter()
        for one in done:
            sums[self.edition_id, one.league_id] += one.points
            sums[self.edition_id, self.teacher.tenant_id] += one.points
            sums[one.league_id, one.team_id] += one.points
            if one.player_id is not None:
                sums[one.league_id, one.player_id] += one.points
                sums[one.team_id, one.player_id] += one.points
        return {key: value for key, value in sums.items() if value}


Delivery = Callable[["FreshRanking", list[bytes], random.Random], None]


class FreshRanking:
    """A ranking that has heard of nothing: one for the whole file, which forgets everything between two deliveries."""

    def __init__(self, template: Path, folder: Path) -> None:
        shutil.copy(template / "ranking.db", folder / "ranking.db")
        self.database = Database(f"sqlite:///{folder}/ranking.db?synchronous=off")
        self.consumer = Consumer("ranking", self.database, DirectBus(), RANKING.handlers)

    def hear(self, deliver: Delivery, events: list[bytes], seed: int) -> None:
        """Forgets everything, then gets the events in one way of delivery."""
        self.consumer.handlers = RANKING.handlers
        with self.database.engine.begin() as connection:
            for metadata in metadata_of("ranking"):
                for table in metadata.tables.values():
                    connection.execute(table.delete())
        deliver(self, events, random.Random(seed))

    def shows(self) -> dict[str, Any]:
        """Everything it derived, in an order of its own; and it must agree with its own ledger."""
        with self.database.transaction(across_tenants(), read_only=True) as session:
            assert verify(session) == []
            assert session.scalars(sa.select(DeadLetter.error)).all() == []
            return {
                "ledger": rows(session, LedgerEntry),
                "standings": rows(session, Standing, but=("batches",)),
                "histogram": rows(session, HistogramBar, HistogramBar.contenders != 0),
                "summaries": rows(session, Summary),
                "counters": rows(session, Counters),
            }

    def points(self) -> dict[str, dict[tuple[UUID, UUID], int]]:
        """The points of (scope, contender) in each view."""
        found: dict[str, dict[tuple[UUID, UUID], int]] = {}
        with self.database.transaction(across_tenants(), read_only=True) as session:
            for line in session.scalars(sa.select(Standing)):
                shown = found.setdefault(line.view, {})
                if line.points:
                    shown[line.scope_id, line.contender_id] = line.points
        return found


def rows(session: Session, model: Any, *where: Any, but: Sequence[str] = ()) -> list[str]:
    columns = [column for column in sa.inspect(model).columns if column.name not in but]
    return sorted(str(tuple(row)) for row in session.execute(sa.select(*columns).where(*where)))


def batched(events: list[bytes]) -> Iterator[list[bytes]]:
    for start in range(0, len(events), BATCH):
        yield events[start : start + BATCH]


def in_order(ranking: FreshRanking, events: list[bytes], draw: random.Random) -> None:
    for batch in batched(events):
        ranking.consumer.handle(batch)


def all_at_once(ranking: FreshRanking, events: list[bytes], draw: random.Random) -> None:
    ranking.consumer.handle(events)


def twice(ranking: FreshRanking, events: list[bytes], draw: random.Random) -> None:
    for batch in batched(events):
        ranking.consumer.handle([*batch, *batch])
        ranking.consumer.handle(batch)


def shuffled(ranking: FreshRanking, events: list[bytes], draw: random.Random) -> None:
    mixed = list(events)
    draw.shuffle(mixed)
    in_order(ranking, mixed, draw)


def one_by_one_backwards(ranking: FreshRanking, events: list[bytes], draw: random.Random) -> None:
    for event in reversed(events):
        ranking.consumer.handle([event])


def shuffled_and_interrupted(ranking: FreshRanking, events: list[bytes], draw: random.Random) -> None:
    """Now and then the database goes away in the middle of a batch, which then comes again, and more with it."""
    mixed = list(events)
    draw.shuffle(mixed)
    interrupt(ranking.consumer, draw, OperationalError("BEGIN", {}, Exception("the database went away")))
    before: list[bytes] = []
    for batch in batched(mixed):
        while True:
            try:
                ranking.consumer.handle([*before, *batch])
                break
            except OperationalError:
                continue
        before = batch[: draw.randrange(BATCH)]


def interrupted_by_a_mistake(ranking: FreshRanking, events: list[bytes], draw: random.Random) -> None:
    """An exception of ours: the batch is handled again, event by event."""
    interrupt(ranking.consumer, draw, ZeroDivisionError("once"), is_retried_at_once=True)
    in_order(ranking, events, draw)


def interrupt(consumer: Consumer, draw: random.Random, error: Exception, *, is_retried_at_once: bool = False) -> None:
    """Lets handlers fail after their work is done, never twice in a row."""
    state = {"may_fail": True}

    def failing(handler: Any) -> Any:
        def handle(session: Session, received: Sequence[Received[Any]]) -> None:
            handler(session, received)
            session.flush()
            fails = state["may_fail"] and draw.random() < 0.2 and not (is_retried_at_once and len(received) == 1)
            state["may_fail"] = not fails
            if fails:
                raise error

        return handle

    consumer.handlers = {kind: failing(handler) for kind, handler in consumer.handlers.items()}


DELIVERIES: tuple[Delivery, ...] = (
    all_at_once,
    twice,
    shuffled,
    one_by_one_backwards,
    shuffled_and_interrupted,
    interrupted_by_a_mistake,
)


@pytest.fixture(scope="module")
def game(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One leagues for every history: each has a school of its own."""
    opened = House(template, tmp_path_factory.mktemp("histories"), services=("leagues",))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def ranking(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FreshRanking]:
    fresh = FreshRanking(template, tmp_path_factory.mktemp("ranking"))
    yield fresh
    fresh.database.close()


@given(phases=HISTORIES, seed=st.integers(0, 2**16))
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
def test_the_boards_are_the_same_however_the_news_travels(
    game: House, ranking: FreshRanking, phases: list[list[Step]], seed: int
) -> None:
    history = History(game)
    history.play([BEGINNING + phases[0], *phases[1:5]])
    events, naive = history.events(), history.naive()
    ranking.hear(in_order, events, seed)
    expected, points = ranking.shows(), ranking.points()
    assert {view: points.get(view, {}) for view in naive} == naive
    assert set(points) <= set(naive)
    for deliver in DELIVERIES:
        ranking.hear(deliver, events, seed)
        assert ranking.shows() == expected, deliver.__name__


def test_a_history_holds_what_it_is_meant_to(game: House) -> None:
    """That the steps really happen: one of each, and nothing of it refused."""
    history = History(game)
    first = [*(("record", place, 0) for place in (0, 2, 4)), ("team", 0, 0), ("withdraw", 0, 1), ("move", 0, 1)]
    more = [("leave", 0, 0), ("return", 0, 0), ("rename", 0, 1), ("balance", 0, 0)]
    history.play([BEGINNING, [*first, *more], [("record", 0, 3)], [("withdraw", 0, 0), ("record", 0, 4)], []])
    kinds = Counter(event.split(b'"type":"')[1].split(b'"')[0].decode() for event in history.events())
    assert set(kinds) >= {
        *("EditionScheduled", "LeagueCreated", "TeamCreated", "LeaderAppointed", "PlayerJoined", "PlayerMoved"),
        *("PlayerLeft", "CompletionRecorded", "CompletionWithdrawn", "EditionFrozen", "EditionRevealed"),
    }
    assert kinds["CompletionRecorded"] == 5
    assert kinds["CompletionWithdrawn"] == 2
