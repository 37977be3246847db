"""Ranking is scaled while an edition is played: no point lost, none counted twice, order kept per league."""

from __future__ import annotations

from tests.journeys.history import Load
from tests.journeys.people import found
from tests.journeys.waiting import eventually
from tests.servers.groups import out_of_order, partitions_of_members
from tests.servers.proof import prove
from tests.servers.stack import Instance, Stack

TAKE_OVER_SECONDS = 60.0
"""The broker gives a killed member ten seconds; then the others share what it had."""


def shared_by(stack: Stack, *shares: int) -> None:
    """Until the members of ranking's group have so many partitions of the topic `leagues` each."""

    def are_shared() -> bool:
        found = partitions_of_members(stack.kafka, "ranking", "leagues")
        assert found == sorted(shares), f"the partitions are shared {found}"
        return True

    eventually(are_shared, TAKE_OVER_SECONDS, pause=0.3)


def test_ranking_grows_shrinks_and_loses_a_worker_while_an_edition_is_played(stack: Stack) -> None:
    assert stack.kafka.topics()["leagues"] == 12
    shared_by(stack, 12)
    with Load(found(stack.url), leagues=24, pupils=3, per_second=50) as load:
        load.goes_on(50)
        stack.scale("ranking-worker", 4)
        shared_by(stack, 3, 3, 3, 3)
        load.goes_on(100)
        stack.of("ranking-worker")[0].kill()
        load.goes_on(50)
        shared_by(stack, 4, 4, 4)
        load.goes_on(50)
        stack.scale("ranking-worker", 2)
        shared_by(stack, 6, 6)
        load.goes_on(100)
        stack.scale("ranking-worker", 1)
        load.goes_on(20)
    prove(stack, load)
    leagues = {league["league_id"] for league in load.leagues}
    assert out_of_order(stack.kafka, "leagues", leagues, stack.postgres, "ranking") == []


def relays(instance: Instance) -> bool:
    """Whether this worker is the one that publishes."""
    answer = instance.ask("metrics")
    return answer is not None and f'mpp_relay_active{{service="{instance.service}"}} 1.0' in answer.text


def test_another_worker_publishes_as_soon_as_the_one_that_did_is_gone(stack: Stack) -> None:
    stack.scale("leagues-worker", 2)
    with Load(found(stack.url), per_second=20) as load:
        load.goes_on(10)
        for _ in range(2):
            (active,) = eventually(lambda: [one for one in stack.of("leagues-worker") if relays(one)], 20)
            active.kill()
            (other,) = stack.of("leagues-worker")
            eventually(lambda: relays(other), 20)  # noqa: B023
            load.goes_on(10)
            stack.scale("leagues-worker", 2)
        stack.scale("leagues-worker", 1)
    prove(stack, load)
