from __future__ import annotations

import pytest

from shared.clock import utc_now
from tests.house import House
from tests.ranking.world import World, minute


def freshness(house: House) -> float:
    """What Prometheus is told."""
    [line] = [
        line
        for line in house.client("ranking").get("/ranking/metrics").text.splitlines()
        if line.startswith('mpp_board_freshness_seconds{service="ranking"}')
    ]
    return float(line.split()[-1])


def test_the_boards_are_as_old_as_the_newest_event_they_show(house: House, world: World) -> None:
    team = world.teams[world.leagues[0]][0]
    player = world.join(team, "Renard")
    before = freshness(house)
    world.record(team, player, 3, when=60)
    expected = (utc_now() - minute(60)).total_seconds()
    assert freshness(house) == pytest.approx(expected, abs=60)
    assert freshness(house) < before
