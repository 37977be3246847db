"""Ranking is filled again from Kafka beside the live one, compared and switched, as deploy/README.md tells."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.journeys.history import Load
from tests.journeys.people import found
from tests.servers.proof import prove
from tests.servers.stack import Stack

RANKING = ("ranking-web", "ranking-worker")


@pytest.fixture
def second(stack: Stack) -> Iterator[str]:
    """An empty database beside the live one, as `createdb` makes it; afterwards the first one is live again."""
    name = "ranking_2"
    stack.postgres.query(f"CREATE DATABASE {name} OWNER ranking_owner")
    yield name
    stack.set_variables(RANKING_DATABASE="", RANKING_GROUP="")
    for process in RANKING:
        for instance in stack.of(process):
            instance.end()
    stack.mend()
    stack.postgres.drop_database(name)


def test_ranking_is_rebuilt_from_kafka_and_switched_while_people_play(stack: Stack, second: str) -> None:
    def run(*command: str) -> str:
        return stack.run("ranking-migrate", *command)

    with Load(found(stack.url), per_second=20) as load:
        load.goes_on(30)
        stack.set_variables(RANKING_DATABASE=second, RANKING_GROUP="ranking-2")
        run()
        assert "nothing waits" in run("services.ranking", "catch-up")
        load.goes_on(20)
        for name in ("identity-worker", "leagues-worker"):
            assert stack.one(name).end() == 0
        assert "nothing waits" in run("services.ranking", "catch-up")
        said = run("services.ranking", "verify", "--against", "ranking")
        load.goes_on(20)
        for name in RANKING:
            stack.replace(name)
        stack.mend()
        load.goes_on(20)
    prove(stack, load)
    assert "no differences" in said
    assert stack.postgres.query("SELECT count(*) > 0 FROM ledger", database=second) == [(True,)]
    behind = stack.run_anyway("ranking-worker", "services.ranking", "verify", "--against", "ranking")
    assert behind.returncode == 1
    assert "behind" in behind.stdout
