"""Two neighbours, each with a garden, a plant and notices: one of the other's notices is public."""

from __future__ import annotations

from uuid import UUID

import msgspec

from shared.database import Database, new_id
from shared.tenancy import across_tenants
from tests.shared.tables import Garden, Notice, Plant, Reply

MINE, THEIRS, SHOWN = "mine", "theirs, a secret", "theirs, for everybody"


class Neighbours(msgspec.Struct, frozen=True):
    me: UUID
    other: UUID
    my_garden: UUID
    their_garden: UUID
    my_notice: UUID
    their_notice: UUID
    their_public_notice: UUID


def settle_neighbours(database: Database) -> Neighbours:
    two = Neighbours(*(new_id() for _ in range(7)))
    with database.transaction(across_tenants()) as session:
        session.add(Garden(tenant_id=two.me, garden_id=two.my_garden, name=MINE))
        session.add(Garden(tenant_id=two.other, garden_id=two.their_garden, name=THEIRS))
        session.add(Notice(tenant_id=two.me, notice_id=two.my_notice, text=MINE))
        session.add(Notice(tenant_id=two.other, notice_id=two.their_notice, text=THEIRS))
        session.add(Notice(tenant_id=two.other, notice_id=two.their_public_notice, text=SHOWN, is_public=True))
        session.flush()
        session.add(Plant(tenant_id=two.me, plant_id=new_id(), garden_id=two.my_garden, name=MINE))
        session.add(Plant(tenant_id=two.other, plant_id=new_id(), garden_id=two.their_garden, name=THEIRS))
        session.add(Reply(tenant_id=two.other, reply_id=new_id(), notice_id=two.their_public_notice, text=THEIRS))
    return two
