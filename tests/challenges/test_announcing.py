"""What challenges tells again is what it told when it happened."""

from __future__ import annotations

from typing import Any

from services.challenges.app import load_folder
from services.challenges.domain.announcements import ANNOUNCEMENTS
from shared.announcing import announce_pages
from shared.consumer import Received
from shared.contracts import ChallengePublished, ChallengeRetired
from tests.builders import received
from tests.challenges.conftest import Files
from tests.house import House


def load(house: House, files: Files) -> None:
    load_folder(house.databases["challenges"], files.folder)


def announced(house: House, size: int = 7) -> list[Received[Any]]:
    """Everything told again now."""
    list(announce_pages(house.databases["challenges"], ANNOUNCEMENTS, size=size))
    return [event for event in received(house, "challenges") if event.is_announced]


def test_every_challenge_on_offer_is_told_as_it_was_published(loaded_house: House) -> None:
    published = received(loaded_house, "challenges")
    told = announced(loaded_house)
    assert len(told) == len(published) > 100
    facts = {event.data.challenge_id: (event.tenant_id, event.time, event.data) for event in told}
    assert facts == {event.data.challenge_id: (event.tenant_id, event.time, event.data) for event in published}


def test_the_version_that_is_played_now_is_told_and_who_is_retired(house: House, files: Files) -> None:
    load(house, files)
    files.change("food.yaml", "veggie-lunch", points=3)
    files.remove("waste.yaml", "battery-hunt")
    load(house, files)
    newest = {event.data.challenge_id: event.data for event in received(house, "challenges") if is_published(event)}
    told = announced(house)
    assert {event.data.challenge_id: event.data for event in told if is_published(event)} == newest
    assert sorted(event.data.version for event in told if is_published(event))[-2:] == [1, 2]
    [retired] = [event.data for event in told if isinstance(event.data, ChallengeRetired)]
    [once] = [event.data for event in received(house, "challenges") if is_retired(event) and not event.is_announced]
    assert retired == once


def test_a_challenge_that_came_back_is_not_told_as_retired(house: House, files: Files) -> None:
    load(house, files)
    entry = files.read("waste.yaml")
    files.remove("waste.yaml", "battery-hunt")
    load(house, files)
    files.write("waste.yaml", entry)
    load(house, files)
    told = announced(house)
    assert not [event for event in told if is_retired(event)]
    assert sorted(event.data.version for event in told)[-2:] == [1, 2]


def is_published(event: Received[Any]) -> bool:
    return isinstance(event.data, ChallengePublished)


def is_retired(event: Received[Any]) -> bool:
    return isinstance(event.data, ChallengeRetired)
