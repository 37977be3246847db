"""What operators see of a service by page, and nobody else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.clock import utc_now
from shared.consumer import DeadLetter
from shared.database import new_id
from shared.outbox import OutboxRow
from shared.pages.static import FOLDER, version
from shared.tenancy import PLATFORM_TENANT_ID, across_tenants
from tests.builders import envelope, publish_challenge
from tests.house import House, caller_of

POISON = "<script>alert(1)</script> no event"


def operator(house: House, service: str = "leagues") -> Any:
    return house.client(service, caller_of(PLATFORM_TENANT_ID, "operator", kind="platform"))


def park(house: House, envelope: str = POISON) -> str:
    letter_id = new_id()
    with house.databases["leagues"].transaction(across_tenants()) as session:
        session.add(DeadLetter(dead_letter_id=letter_id, envelope=envelope, error=POISON, parked_at=utc_now()))
    return str(letter_id)


@pytest.mark.parametrize("path", ["/leagues/dead-letters", "/leagues/fragments/health"])
def test_operators_alone_see_it(house: House, path: str) -> None:
    assert operator(house).get(path).status_code == 200
    assert house.client("leagues", caller_of()).get(path).status_code == 403
    assert house.client("leagues").get(path).status_code == 303


def test_health_says_how_many_events_wait(house: House) -> None:
    assert "0 events wait" in operator(house).get("/leagues/fragments/health").text
    publish_challenge(house)
    assert "well" in operator(house, "challenges").get("/challenges/fragments/health").text


def test_an_operator_sees_at_a_glance_that_events_wait_too_long_and_since_when(house: House) -> None:
    with house.databases["leagues"].transaction(across_tenants()) as session:
        for minutes in (3, 1):
            emitted_at = utc_now() - timedelta(minutes=minutes)
            session.add(OutboxRow(key="x", envelope="{}", emitted_at=emitted_at, published_at=None))
    page = operator(house).get("/leagues/fragments/health").text
    assert page.count("tag warning") == 1
    assert "2 events wait<br>the oldest for 3 minutes" in page
    french = operator(house).get("/leagues/fragments/health", headers={"Accept-Language": "fr"}).text
    assert "2 événements attendent<br>le plus ancien depuis 3 minutes" in french


def test_an_event_of_this_second_is_no_reason_to_look(house: House) -> None:
    with house.databases["leagues"].transaction(across_tenants()) as session:
        session.add(OutboxRow(key="x", envelope="{}", emitted_at=utc_now(), published_at=None))
    page = operator(house).get("/leagues/fragments/health").text
    assert "1 event waits" in page
    assert "tag success" in page


def test_health_counts_the_dead_letters_and_leads_to_them(house: House) -> None:
    assert "0 dead letters" in operator(house).get("/leagues/fragments/health").text
    park(house)
    page = operator(house).get("/leagues/fragments/health").text
    assert '<a href="/leagues/dead-letters">1 dead letter</a>' in page
    assert "tag warning" in page
    assert "1 dead letter<" in operator(house).get("/leagues/dead-letters").text


def test_a_letter_leads_to_its_tenant(house: House) -> None:
    from shared.contracts import TenantSuspended

    tenant_id = new_id()
    park(house, envelope(TenantSuspended(revision=1), tenant_id).decode())
    assert f'href="/identity/platform/{tenant_id}"' in operator(house).get("/leagues/dead-letters").text


def test_a_service_whose_database_lacks_its_tables_is_not_ready(house: House) -> None:
    with house.databases["leagues"].engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    page = operator(house).get("/leagues/fragments/health").text
    assert "tag danger" in page
    assert "is not migrated" in page


def test_a_letter_that_cannot_be_read_is_shown_harmlessly_and_dropped(house: House) -> None:
    letter = park(house)
    page = operator(house).get("/leagues/dead-letters")
    assert "<script>alert" not in page.text
    assert letter in page.text
    again = operator(house).post(f"/leagues/dead-letters/{letter}/replay")
    assert again.status_code == 303
    assert letter in operator(house).get("/leagues/dead-letters").text, "it still cannot be handled"
    assert operator(house).post(f"/leagues/dead-letters/{letter}/drop").status_code == 303
    assert letter not in operator(house).get("/leagues/dead-letters").text


def test_a_letter_that_can_be_handled_now_is_gone_after_a_replay(house: House) -> None:
    from shared.contracts import TenantSuspended

    park(house, envelope(TenantSuspended(revision=1), new_id()).decode())
    assert operator(house).post("/leagues/dead-letters/replay").status_code == 303
    assert "Try all of them again" not in operator(house).get("/leagues/dead-letters").text


@pytest.mark.parametrize("path", ["drop", "nonsense", "0190c0de-7a11-7000-8000-000000000001/nonsense"])
def test_nobody_drops_everything_by_a_tap(house: House, path: str) -> None:
    letter = park(house)
    assert operator(house).post(f"/leagues/dead-letters/{path}").status_code == 404
    assert letter in operator(house).get("/leagues/dead-letters").text


def test_pages_and_their_files_are_compressed_where_there_is_no_gateway_and_json_is_not(house: House) -> None:
    client, headers = house.client("identity"), {"Accept-Encoding": "gzip, br"}
    with client.get("/", headers=headers) as page:
        assert page.headers["Content-Encoding"] in ("gzip", "br")
        assert "Accept-Encoding" in page.headers["Vary"]
    with client.get(f"/static/{version()}/components.css", headers=headers) as file:
        assert file.headers["Content-Encoding"] == "br"
        assert len(file.data) < (FOLDER / "components.css").stat().st_size / 2
    assert "Content-Encoding" not in client.get("/identity/api/v1/openapi.json", headers=headers).headers
