"""What ranking tells again, and what it makes of what is told again to it."""

from __future__ import annotations

from typing import Any

import msgspec

from services.ranking.domain.announcements import ANNOUNCEMENTS
from shared.announcing import announce_pages
from shared.consumer import Received
from shared.contracts import BoardsRevealed, EditionRevealed
from shared.outbox import Envelope
from tests.builders import received
from tests.house import House
from tests.ranking.world import World, envelope, minute


def told(house: House) -> list[Received[Any]]:
    return received(house, "ranking")


def announced_again(message: bytes) -> bytes:
    decoded = msgspec.json.decode(message, type=Envelope)
    return msgspec.json.encode(msgspec.structs.replace(decoded, is_announced=True))


def test_revealed_boards_are_told_again_and_others_are_not(house: House, world: World) -> None:
    world.freeze(20)
    list(announce_pages(house.databases["ranking"], ANNOUNCEMENTS))
    assert told(house) == []
    world.reveal(30)
    list(announce_pages(house.databases["ranking"], ANNOUNCEMENTS))
    first, again = told(house)
    assert (first.is_announced, again.is_announced) == (False, True)
    assert again.data == first.data == BoardsRevealed(edition_id=world.edition)
    assert (again.tenant_id, again.time) == (world.owner, minute(30))


def test_a_reveal_that_is_told_again_to_a_ranking_that_missed_it_is_passed_on_as_old_news(
    house: House, world: World
) -> None:
    event = EditionRevealed(edition_id=world.edition, at=minute(30))
    world.deliver([announced_again(envelope(world.owner, event, minute(30)))])
    [passed_on] = told(house)
    assert passed_on.is_announced
    assert (passed_on.time, passed_on.data) == (minute(30), BoardsRevealed(edition_id=world.edition))
    world.deliver([announced_again(envelope(world.owner, event, minute(30)))])
    assert len(told(house)) == 1
