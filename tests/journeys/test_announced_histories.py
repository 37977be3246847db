"""Announced while it is played, from any moment on and heard in any order, an edition has the boards it would have."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.ranking.domain import verify
from services.ranking.events import HANDLERS
from shared.consumer import Consumer, read_envelope
from shared.database import Database
from shared.tenancy import across_tenants
from tests.copies import Rows, copies
from tests.house import DirectBus
from tests.journeys.announced_play import STEPS, Backstage, Play, Step
from tests.ranking.world import pieces

steps = st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 30), st.integers(0, 3)), min_size=8, max_size=32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("announced")


def heard(template: Path, folder: Path, messages: list[bytes], chance: random.Random) -> Rows:
    """What an empty ranking holds that heard these messages in some order, in batches of some sizes."""
    messages = chance.sample(messages, len(messages))
    shutil.copy(template / "ranking.db", folder / "heard.db")
    database = Database(f"sqlite:///{folder}/heard.db?synchronous=off")
    try:
        consumer = Consumer("ranking", database, DirectBus(), HANDLERS)
        for batch in pieces(messages, [chance.randint(1, 40) for _ in messages]):
            consumer.handle(batch)
            assert consumer.parked_in_a_row == 0
        with database.transaction(across_tenants(), read_only=True) as session:
            assert verify(session) == []
        return copies(database, "ranking")
    finally:
        database.close()
        for left in folder.glob("heard.db*"):
            left.unlink()


@settings(
    max_examples=25,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    script=steps,
    end=st.sampled_from(["running", "frozen", "revealed"]),
    announced_from=st.integers(0, 34),
    seed=st.integers(0, 2**32),
)
def test_announcing_changes_no_board_and_fills_an_empty_ranking(
    template: Path, folder: Path, script: list[Step], end: str, announced_from: int, seed: int
) -> None:
    house = Backstage(template, folder)
    try:
        play = Play(house)
        play.play(script, end, announced_from)
        everything = play.outbox()
        founded = play.founded()
    finally:
        house.close()
        for left in folder.glob("*.db*"):
            left.unlink()
    chance = random.Random(seed)
    new = [message for message in everything if not read_envelope(message).is_announced]
    assert len(everything) > len(new)
    undisturbed = heard(template, folder, new + founded, chance)
    disturbed = heard(template, folder, everything + chance.sample(everything, len(everything) // 3) + founded, chance)
    assert disturbed == undisturbed
    late = heard(template, folder, everything[play.began_at :] + founded, chance)
    assert late == undisturbed
