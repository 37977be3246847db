"""Two people come by the last place of a link at the same moment, on PostgreSQL, where both may write at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa

from services.identity.domain import invitations, open_invitations
from services.identity.errors import InvitationFull, LinkExpired
from services.identity.models import Invitation, Person
from services.identity.upkeep import prepare
from shared.database import Database, new_id
from shared.migrations import migrate
from shared.tenancy import PUBLIC, of_tenant
from tests.house import House, know_test_key
from tests.identity.steps import PASSWORD, Steps
from tests.servers.postgres import PostgresServer


@pytest.fixture
def steps(postgres_server: PostgresServer, tmp_path: Path) -> Iterator[Steps]:
    name = f"identity_{new_id().hex[-8:]}"
    owner_url, url = postgres_server.create_service_database("identity", name)
    owner = Database(owner_url)
    migrate("identity", owner, run_time_role="identity")
    know_test_key(owner)
    owner.close()
    opened = House(None, tmp_path, services=("identity",), database_url=url)
    prepare(opened.databases["identity"], opened.settings)
    yield Steps(opened)
    opened.close()
    postgres_server.drop_database(name)


@pytest.mark.parametrize("is_open", [True, False])
def test_one_of_two_gets_the_last_place(steps: Steps, is_open: bool) -> None:
    founded = UUID(steps.found()["tenant"]["tenant_id"])
    with steps.database.transaction(of_tenant(founded)) as session:
        if is_open:
            made = open_invitations.make_open_invitation(session, days=7, max_uses=1)
            token = str(made.open_token)
        else:
            made, link = invitations.invite(session, steps.house.settings, roles=["player"])
            token = link.rsplit("/", 1)[1]
    start, said = threading.Barrier(2), []

    def come(number: int) -> None:
        try:
            with steps.database.transaction(PUBLIC) as session:
                invited = invitations.invited_by(session, token)
                start.wait(60)  # both have seen a place
                email = f"a{number}@example.org"
                invitations.accept_invitation(session, invited, display_name="Ana", email=email, password=PASSWORD)
            said.append("in")
        except (InvitationFull, LinkExpired) as refusal:
            said.append(refusal.code)

    people = [threading.Thread(target=come, args=(number,)) for number in range(2)]
    for one in people:
        one.start()
    for one in people:
        one.join(60)
    assert sorted(said) == sorted(["in", "invitation_full" if is_open else "link_expired"])
    with steps.database.transaction(of_tenant(founded), read_only=True) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Person)) == 2, "the founder and one of them"
        kept = session.get_one(Invitation, (made.tenant_id, made.invitation_id))
        assert kept.uses == 1
