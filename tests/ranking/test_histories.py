"""Histories of any shape, delivered in order, shuffled, doubled and cut into batches, leave the same boards."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.ranking.domain import read_counters, rebuild, verify
from services.ranking.events import HANDLERS
from services.ranking.models import COUNTED_BOARDS, HistogramBar, Standing, Summary
from shared import contracts as c
from shared.consumer import Consumer
from shared.database import Database
from tests.house import DirectBus
from tests.ranking.naive import Naive
from tests.ranking.world import START, World, minute, pieces

FREEZE_OF_HEADS = 12
Step = tuple[str, int, int]

steps = st.lists(
    st.tuples(
        st.sampled_from(["join", "join", "move", "leave", "rename", "record", "record", "team", "withdraw"]),
        st.integers(0, 30),
        st.integers(-4, 9),
    ),
    min_size=5,
    max_size=40,
)
ends = st.sampled_from(["running", "frozen", "revealed"])


class Teller(World):
    """Plays steps that make sense, as leagues would, and remembers them for the naive recomputation."""

    naive: Naive

    def tell(self, tenant_id: UUID, event: c.Event, at: datetime = START) -> None:
        self.naive.history.append((tenant_id, event))
        super().tell(tenant_id, event, at)

    def play(self, script: list[Step], end: str, frozen_at: int) -> list[bytes]:
        self.naive, self.kept = Naive(), []
        self.founded(minute(FREEZE_OF_HEADS))
        teams = list(self.league_of)
        self.places: dict[UUID, tuple[UUID, UUID | None, int]] = {}  # player -> last team, team now, revision
        self.made: list[tuple[UUID, UUID, UUID | None, int]] = []
        for when, (what, which, points) in enumerate(script):
            if end != "running" and when == frozen_at:
                self.freeze(when)
            getattr(self, f"do_{what}")(when, which, points, teams)
        if end != "running" and frozen_at >= len(script):
            self.freeze(frozen_at)
        if end == "revealed":
            self.reveal(len(script) + frozen_at + 1)
        return self.kept

    def do_join(self, when: int, which: int, points: int, teams: list[UUID]) -> None:
        team = teams[which % len(teams)]
        self.places[self.join(team, f"Player {when}", when)] = (team, team, 1)

    def pick(self, which: int) -> UUID | None:
        return sorted(self.places)[which % len(self.places)] if self.places else None

    def do_move(self, when: int, which: int, points: int, teams: list[UUID]) -> None:
        player = self.pick(which)
        if player is not None:
            last, _now, revision = self.places[player]
            team = self.teams[self.league_of[last]][points % 2]
            self.move(player, team, when, revision + 1, f"Moved {when}")
            self.places[player] = (team, team, revision + 1)

    def do_leave(self, when: int, which: int, points: int, teams: list[UUID]) -> None:
        player = self.pick(which)
        if player is not None and self.places[player][1] is not None:
            last, _now, revision = self.places[player]
            self.leave(player, last, when, revision + 1, f"Left {when}")
            self.places[player] = (last, None, revision + 1)

    def do_rename(self, when: int, which: int, points: int, teams: list[UUID]) -> None:
        player = self.pick(which)
        if player is not None:
            last, _now, revision = self.places[player]
            self.player(c.PlayerRenamed, player, last, when, revision, f"Renamed {when}")

    def do_record(self, when: int, which: int, points: int, teams: list[UUID]) -> None:
        player = self.pick(which)
        if player is not None and (team := self.places[player][1]) is not None:
            co2e_g = None if points == 0 else 100
            self.made.append((self.record(team, player, points, when, co2e_g=co2e_g), team, player, points))

    def do_team(self, when: int, which: int, points: int, teams: list[UUID]) -> None:
        team = teams[which % len(teams)]
        self.made.append(
            (self.record(team, None, points, when, co2e_g=None if points == 0 else 100), team, None, points)
        )

    def do_withdraw(self, when: int, which: int, points: int, teams: list[UUID]) -> None:
        if self.made:
            completion, team, player, won = self.made.pop(which % len(self.made))
            co2e_g = None if won == 0 else 100
            self.record(team, player, won, when, completion=completion, withdrawn=True, co2e_g=co2e_g)


@contextmanager
def an_empty_ranking(template: Path, folder: Path) -> Iterator[tuple[Database, Consumer]]:
    path = folder / "ranking.db"
    for old in folder.glob("ranking.db*"):
        old.unlink()
    shutil.copy(template / "ranking.db", path)
    database = Database(f"sqlite:///{path}?synchronous=off")
    try:
        yield database, Consumer("ranking", database, DirectBus(), HANDLERS)
    finally:
        database.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("histories")


def boards(world: World, view: str) -> dict[Any, Any]:
    with world.everything() as session:
        rows = session.scalars(sa.select(Standing).where(Standing.view == view)).all()
    return {
        (row.board, row.scope_id, row.contender_id): (row.name, row.points, row.completions, row.heads) for row in rows
    }


def bars(world: World, view: str) -> Counter[Any]:
    with world.everything() as session:
        rows = session.scalars(sa.select(HistogramBar).where(HistogramBar.view == view)).all()
    return Counter({(row.board, row.scope_id, row.measure, row.score): row.contenders for row in rows})


def expected_bars(standings: dict[Any, Any]) -> Counter[Any]:
    counted: Counter[Any] = Counter()
    for (board, scope_id, _contender), (_name, points, _completions, heads) in standings.items():
        if board not in COUNTED_BOARDS:
            counted[(board, scope_id, "total", points)] += 1
            if heads and board != "league_players":
                counted[(board, scope_id, "per_head", points * 1_000_000 // heads)] += 1
    return counted


def impact(world: World, view: str) -> dict[Any, Any]:
    with world.everything() as session:
        rows = session.scalars(sa.select(Summary).where(Summary.view == view, Summary.as_of.is_not(None))).all()
    return {
        (row.scope, row.tenant_id if row.scope == "tenant" else row.scope_id): (
            row.completions,
            row.unquantified,
            row.co2e_g,
        )
        for row in rows
        if (row.completions, row.unquantified, row.co2e_g) != (0, 0, 0)
    }


def begun(world: World, view: str) -> dict[UUID, tuple[int, int]]:
    with world.everything() as session:
        rows = session.scalars(sa.select(Summary).where(Summary.view == view, Summary.scope == "league")).all()
    return {row.scope_id: (row.playing, row.begun) for row in rows if row.playing}


def expected_begun(standings: dict[Any, Any]) -> dict[UUID, tuple[int, int]]:
    found: dict[UUID, tuple[int, int]] = {}
    for (board, league_id, _player), (_name, _points, completions, heads) in standings.items():
        if board == "league_players" and heads:
            playing, so_far = found.get(league_id, (0, 0))
            found[league_id] = (playing + 1, so_far + (completions > 0))
    return found


def check(teller: Teller) -> None:
    views = ["live"] if teller.naive.snapshot_at() is None else ["live", "frozen"]
    for view in ("live", "frozen"):
        standings = teller.naive.standings(view) if view in views else {}
        assert boards(teller, view) == standings
        assert bars(teller, view) == expected_bars(standings)
        assert begun(teller, view) == expected_begun(standings)
        wanted = teller.naive.impact(view) if view in views else {}
        assert impact(teller, view) == {key: row for key, row in wanted.items() if row != (0, 0, 0)}
    with teller.everything() as session:
        assert verify(session) == []
        counters = read_counters(session)
    public = teller.naive.impact(views[-1]).get(("edition", teller.edition), (0, 0, 0))
    assert (counters["completions"], counters["unquantified"], counters["co2e_g"]) == public
    assert (counters["editions"], counters["leagues"]) == (1, 3)
    assert counters["players"] == len(teller.naive.teams_of_players(teller.naive.snapshot_at()))


def again(message: bytes, number: int) -> bytes:
    """The same fact under another envelope, as after the inbox has forgotten the first."""
    decoded = msgspec.json.decode(message)
    decoded["id"] = str(UUID(int=number + 1))
    return msgspec.json.encode(decoded)


common = settings(
    max_examples=25,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@common
@given(script=steps, end=ends, frozen_at=st.integers(0, 45))
def test_a_history_in_order_gives_the_boards_of_the_naive_recomputation(
    template: Path, folder: Path, script: list[Step], end: str, frozen_at: int
) -> None:
    with an_empty_ranking(template, folder) as (database, consumer):
        teller = Teller(database, consumer)
        for message in pieces(teller.play(script, end, frozen_at), [7] * 100):
            teller.deliver(message)
        check(teller)


@common
@given(
    script=steps,
    end=ends,
    frozen_at=st.integers(0, 45),
    seed=st.integers(0, 2**32),
    sizes=st.lists(st.integers(1, 40), max_size=30),
)
def test_shuffled_doubled_and_cut_into_batches_it_gives_the_same_boards(
    template: Path, folder: Path, script: list[Step], end: str, frozen_at: int, seed: int, sizes: list[int]
) -> None:
    with an_empty_ranking(template, folder) as (database, consumer):
        teller = Teller(database, consumer)
        messages = teller.play(script, end, frozen_at)
        chance = random.Random(seed)
        doubled = [message for message in messages for _ in range(chance.choice([1, 1, 2, 3]))]
        doubled += [
            again(message, number) for number, message in enumerate(chance.sample(messages, len(messages) // 3))
        ]
        chance.shuffle(doubled)
        for batch in pieces(doubled, sizes):
            teller.deliver(batch)
        check(teller)


@settings(common, max_examples=10)
@given(script=steps, end=ends, frozen_at=st.integers(0, 45))
def test_a_rebuild_gives_the_live_boards(
    template: Path, folder: Path, script: list[Step], end: str, frozen_at: int
) -> None:
    with an_empty_ranking(template, folder) as (database, consumer):
        teller = Teller(database, consumer)
        teller.deliver(teller.play(script, end, frozen_at))
        with teller.everything() as session:
            rebuilt = rebuild(session)
        assert rebuilt == (1, 3)
        check(teller)
