from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from services.ranking.domain import verify
from tests.ranking.world import World


@contextmanager
def statements(world: World) -> Iterator[list[str]]:
    """The SQL statements of the block."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(world.database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(world.database.engine, "before_cursor_execute", note)


def a_busy_minute(world: World, events: int) -> list[bytes]:
    """Joins, moves, records, team challenges and withdrawals that alternate, so that no run is long."""
    teams = list(world.league_of)
    world.kept = []
    players = [(world.join(team, f"Player {number}"), team) for number in range(50) for team in teams]
    while len(world.kept) < events:
        number = len(world.kept)
        player, team = players[number % len(players)]
        completion = world.record(team, player if number % 5 else None, number % 9 - 2, number)
        if number % 3 == 0:
            world.record(
                team, player if number % 5 else None, number % 9 - 2, number, completion=completion, withdrawn=True
            )
        if number % 11 == 0:
            other = world.teams[world.league_of[team]][number % 2]
            world.move(player, other, number, revision=number + 2)
    messages, world.kept = world.kept[:events], None
    return messages


def test_a_batch_of_a_thousand_events_makes_a_bounded_number_of_statements(world: World) -> None:
    messages = a_busy_minute(world, 1000)
    with statements(world) as seen:
        world.deliver(messages)
    assert len(seen) <= 45, "\n".join(statement[:80] for statement in seen)
    with world.everything() as session:
        assert verify(session) == []


def test_a_thousand_completions_make_few_statements(world: World) -> None:
    world.deliver(a_busy_minute(world, 300))
    team = world.teams[world.leagues[0]][0]
    player = world.join(team)
    world.kept = []
    for number in range(1000):
        world.record(team, player, 1, number)
    messages, world.kept = world.kept, None
    with statements(world) as seen:
        world.deliver(messages)
    assert len(seen) <= 14, "\n".join(statement[:80] for statement in seen)
