"""Editions by page: what an operator makes for many tenants, and an administrator for their own."""

from __future__ import annotations

import html
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from services.leagues.domain import editions
from shared.contracts import EditionScheduled
from shared.tenancy import PLATFORM_TENANT_ID
from tests.builders import create_edition, emitted, teacher_of
from tests.house import House, caller_of
from tests.leagues.game import API, Game

EDITIONS = "/leagues/editions"
FRENCH = {"Accept-Language": "fr"}
TYPED = {
    "name": "Printemps",
    "starts_at": "2031-03-03T09:00",
    "ends_at": "",
    "grace_days": "2",
    "min_players": "6",
    "max_players": "40",
}
PLATFORM: dict[str, Any] = {"kind": "platform", "name": "Ma Petite Planète"}


def operator(house: House) -> FlaskClient:
    return house.client("leagues", caller_of(PLATFORM_TENANT_ID, "operator", "administrator", **PLATFORM))


def head(house: House, **facts: Any) -> FlaskClient:
    return house.client("leagues", teacher_of(house, **facts))


def made(client: FlaskClient, **typed: str) -> str:
    """The address of a new draft."""
    answer = client.post(f"{EDITIONS}/new", data=TYPED | typed)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


def read(client: FlaskClient, path: str, headers: Any = None) -> str:
    """The words of a page, without its tags."""
    page = client.get(path, headers=headers)
    assert page.status_code == 200, page.text
    [main] = re.findall(r"<main.*</main>", page.text, re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", main)).split())


def buttons(client: FlaskClient, path: str) -> list[str]:
    """The phases that the page offers to move to."""
    return re.findall(rf'action="{path}/(\w+)"', client.get(path).text)


def test_an_operator_begins_with_the_platform(house: House) -> None:
    answer = operator(house).get("/leagues/")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/identity/platform")


def test_an_operators_edition_is_open_and_seen_by_others_once_published(house: House) -> None:
    client, school = operator(house), head(house)
    address = made(client)
    assert "Many schools, companies and friends play it" in read(client, f"{EDITIONS}/new")
    assert "Printemps" not in read(school, f"{EDITIONS}/")
    assert school.get(address).status_code == 404, "a draft"
    assert client.post(f"{address}/registration").status_code == 303
    assert "Printemps" in read(school, f"{EDITIONS}/")
    assert "open to everybody" in read(school, f"{EDITIONS}/")
    assert "/leagues/new?edition=" in school.get(address).text
    assert buttons(school, address) == [], "it is not theirs to move"
    assert school.get(f"{address}/change").status_code == 403


def test_an_open_edition_may_be_for_one_kind_of_tenant(house: House) -> None:
    client = operator(house)
    address = made(client, audience="school")
    client.post(f"{address}/registration")
    assert "open to schools" in read(client, f"{EDITIONS}/")
    assert "/leagues/new?edition=" in head(house).get(address).text
    assert "/leagues/new?edition=" not in head(house, kind="company").get(address).text


def test_an_administrators_edition_stays_in_their_tenant_whatever_they_send(house: House) -> None:
    client = head(house)
    address = made(client, audience="everyone")
    client.post(f"{address}/registration")
    assert "Printemps" not in read(head(house), f"{EDITIONS}/")
    assert emitted(house, "leagues", EditionScheduled)[-1].audience == "school"


@pytest.mark.parametrize(("zone", "place"), [("Europe/Paris", "Paris"), ("Indian/Reunion", "Réunion")])
def test_the_dates_of_an_open_edition_are_those_of_the_readers_clock_and_say_so(
    house: House, zone: str, place: str
) -> None:
    client = operator(house)
    address = made(client)
    client.post(f"{address}/registration")
    page = read(head(house, zone=zone), address)
    assert "It begins Mon 3 Mar 2031, 09:00" in page
    assert "These hours hold on the clock of each tenant" in page
    assert f"Yours is that of {place}." in page


def test_an_edition_of_ones_own_says_whose_clock_it_is_on(house: House) -> None:
    client = head(house, zone="Pacific/Noumea")
    assert "Noumea time." in read(client, f"{EDITIONS}/new")
    page = read(client, made(client))
    assert "Noumea time." in page
    assert "each tenant" not in page


@pytest.mark.parametrize(
    ("started_days_ago", "phase", "says", "offers"),
    [
        (-30, "draft", "Once published, everybody of École des Lilas sees it", "registration"),
        (-30, "registration", "It begins by itself on", None),
        (5, "registration", "ends automatically on", None),
        (22, "registration", "You can end it now: from then on nobody records anything", "frozen"),
        (40, "registration", "Once told, everybody sees the final boards", "revealed"),
    ],
)
def test_the_page_says_what_the_next_step_does_before_it_is_taken(
    house: House, started_days_ago: int, phase: str, says: str, offers: str | None
) -> None:
    client = head(house)
    edition = create_edition(client, started_days_ago=started_days_ago, phase=phase)
    address = f"{EDITIONS}/{edition['edition_id']}"
    assert says in read(client, address)
    assert buttons(client, address) == ([offers] if offers else [])


def test_an_edition_goes_its_whole_way_by_page(house: House) -> None:
    client = head(house)
    address = made(client)
    assert buttons(client, address) == ["registration"]
    assert client.post(f"{address}/registration").status_code == 303
    assert buttons(client, address) == []
    edition = create_edition(client, started_days_ago=22)
    address = f"{EDITIONS}/{edition['edition_id']}"
    for phase in ("frozen", "revealed", "archived"):
        assert buttons(client, address) == [phase]
        assert client.post(f"{address}/{phase}").status_code == 303
    assert buttons(client, address) == []
    assert "over and put away" in read(client, address)


def test_a_draft_that_would_be_over_is_not_published(house: House) -> None:
    client = head(house)
    edition = create_edition(client, started_days_ago=40, phase="draft")
    address = f"{EDITIONS}/{edition['edition_id']}"
    answer = client.post(f"{address}/registration", headers=FRENCH)
    assert answer.status_code == 409
    assert "serait déjà terminée" in answer.text
    assert buttons(client, address) == ["registration"]


def test_impossible_dates_stand_beside_their_field(house: House) -> None:
    client = head(house)
    [begins] = re.findall(r'<input id="field-starts_at"[^>]*value="([^"]*)"', client.get(f"{EDITIONS}/new").text)
    assert begins, "a start is proposed"
    answer = client.post(f"{EDITIONS}/new", data=TYPED | {"ends_at": "2031-01-01T09:00"}, headers=FRENCH)
    assert answer.status_code == 422
    assert 'href="#field-ends_at"' in answer.text
    assert "au plus 366 jours plus tard" in answer.text


@pytest.mark.parametrize(
    ("now", "monday"),
    [("2026-11-26T12:00:00+00:00", "2026-11-30T09:00"), ("2026-11-29T23:30:00+00:00", "2026-12-07T09:00")],
)
def test_an_edition_is_proposed_to_begin_on_the_next_monday_of_its_zone(now: str, monday: str) -> None:
    found = editions.next_monday(datetime.fromisoformat(now), "Europe/Paris")
    assert found.isoformat(timespec="minutes") == monday


def test_who_tells_the_results_of_an_open_edition_hears_of_clocks_behind(house: House) -> None:
    client = operator(house)
    edition = create_edition(client, started_days_ago=40, is_open=True)
    address = f"{EDITIONS}/{edition['edition_id']}"
    assert "In tenants whose clock is behind yours" in read(client, address)
    school = head(house)
    own = create_edition(school, started_days_ago=40)
    assert "whose clock is behind" not in read(school, f"{EDITIONS}/{own['edition_id']}")


def test_a_draft_is_corrected_by_page_and_the_head_count_moves_with_its_start(house: House) -> None:
    client = head(house)
    address = made(client)
    page = client.get(f"{address}/change").text
    assert 'value="2031-03-03T09:00"' in page
    assert 'value="2031-03-24T09:00"' in page
    answer = client.post(f"{address}/change", data=TYPED | {"name": "Été", "starts_at": "2031-06-02T10:30"})
    assert (answer.status_code, answer.headers["Location"]) == (303, address)
    shown = read(client, address)
    assert "Été" in shown
    assert "It begins Mon 2 Jun 2031, 10:30 Heads are counted until Mon 2 Jun 2031, 10:30" in shown
    assert "It ends Mon 23 Jun 2031, 10:30" in shown, "three weeks, when left empty"


def test_once_others_plan_with_an_open_edition_its_name_alone_changes(house: House) -> None:
    client = operator(house)
    address = made(client)
    client.post(f"{address}/registration")
    page = client.get(f"{address}/change").text
    assert "starts_at" not in page
    assert "Its dates and limits are fixed" in page
    assert client.post(f"{address}/change", data={"name": "Autre nom"}).status_code == 303
    assert "Autre nom" in read(client, address)
    client.post(f"{address}/change", data=TYPED | {"starts_at": "2031-06-02T10:30"})
    assert "It begins Mon 3 Mar 2031, 09:00" in read(client, address)


@pytest.mark.parametrize("wrong", [{"ends_at": "2031-03-01T09:00"}, {"min_players": "50"}, {"name": ""}])
def test_what_does_not_fit_is_said_above_the_form_and_changes_nothing(house: House, wrong: dict[str, str]) -> None:
    client = head(house)
    address = made(client)
    answer = client.post(f"{address}/change", data=TYPED | wrong, headers=FRENCH)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert "It ends Mon 24 Mar 2031, 09:00" in read(client, address)


def test_a_player_changes_nothing(house: House) -> None:
    client = head(house)
    address = made(client)
    client.post(f"{address}/registration")
    player = house.client("leagues", caller_of(None, "player"))
    assert player.get(f"{address}/change").status_code == 403
    assert player.post(f"{address}/change", data=TYPED).status_code == 403


@pytest.mark.parametrize(
    ("name", "suggested"),
    [("Printemps", "Printemps 2032"), ("Mars 2031", "Mars 2032"), ("x" * 80, "x" * 75 + " 2032")],
)
def test_the_next_edition_is_called_by_its_year(house: House, name: str, suggested: str) -> None:
    client = operator(house)
    assert f'value="{suggested}"' in client.get(f"{made(client, name=name)}/clone").text


def test_an_edition_is_played_again_on_the_same_weekday_a_year_later(house: House) -> None:
    client = operator(house)
    address = made(client, audience="company")
    page = client.get(f"{address}/clone").text
    assert 'value="2032-03-01T09:00"' in page, "a Monday, as the first"
    assert "The same hour on the clock of each tenant that plays" in page
    answer = client.post(f"{address}/clone", data={"name": "Encore", "starts_at": "2032-03-01T09:00"})
    shown = read(client, answer.headers["Location"])
    assert "It ends Mon 22 Mar 2032, 09:00" in shown
    assert "For whom companies" in shown


def test_who_takes_part_is_asked_of_ranking_once_there_is_something_to_say(house: House) -> None:
    client = operator(house)
    address = made(client)
    asked = f'hx-get="/ranking/fragments/editions/{address.rsplit("/", 1)[1]}/taking-part"'
    assert asked not in client.get(address).text
    client.post(f"{address}/registration")
    assert asked in client.get(address).text


def test_the_list_is_of_use_with_none_one_and_many_editions(house: House) -> None:
    client = head(house)
    empty = client.get(f"{EDITIONS}/").text
    assert "No edition yet" in html.unescape(empty)
    assert empty.count(f'href="{EDITIONS}/new"') == 1
    player = house.client("leagues", caller_of(None, "player"))
    assert f"{EDITIONS}/new" not in player.get(f"{EDITIONS}/").text
    made(client, name="x" * 80)
    assert "Page 1" not in read(client, f"{EDITIONS}/")
    for _ in range(30):
        made(client, name="طبعة الربيع")
    assert "Page 1 of 2" in read(client, f"{EDITIONS}/")
    assert '<strong dir="auto">طبعة' in client.get(f"{EDITIONS}/").text


def test_an_edition_that_ends_at_midnight_is_listed_with_its_last_day(house: House) -> None:
    client = head(house)
    made(client, ends_at="2031-03-24T00:00")
    assert "3 March 2031 – 23 March 2031" in read(client, f"{EDITIONS}/")


def test_a_name_that_is_code_is_text_on_every_page_of_an_edition(house: House) -> None:
    client = operator(house)
    address = made(client, name="<script>alert(1)</script>")
    for path in (f"{EDITIONS}/", address, f"{address}/change", f"{address}/clone"):
        page = client.get(path)
        assert "<script>alert" not in page.text, path
        assert "&lt;script&gt;alert" in page.text, path


def test_a_published_edition_is_not_moved_into_the_past_and_keeps_its_length(house: House) -> None:
    game = Game(house, started_days_ago=-10)
    address = f"/leagues/editions/{game.edition['edition_id']}/change"
    shown = {name: game.edition[name] for name in ("name", "grace_days", "min_players", "max_players")}
    dates = {name: game.edition[name][:16] for name in ("starts_at", "ends_at")}
    past = (datetime.fromisoformat(dates["starts_at"]) - timedelta(days=11)).isoformat(timespec="minutes")
    refused = game.client.post(address, data=shown | dates | {"starts_at": past}, headers=FRENCH)
    assert refused.status_code == 422
    assert 'href="#field-starts_at"' in refused.text
    later = (datetime.fromisoformat(dates["starts_at"]) + timedelta(days=1)).isoformat(timespec="minutes")
    assert game.client.post(address, data=shown | dates | {"starts_at": later}).status_code == 303
    now = game.client.get(f"{API}/editions/{game.edition['edition_id']}").json
    lasted = [
        datetime.fromisoformat(one["ends_at"]) - datetime.fromisoformat(one["starts_at"]) for one in (game.edition, now)
    ]
    assert abs(lasted[0] - lasted[1]) < timedelta(minutes=1), "a form shows no seconds"
    assert now["starts_at"][:16] == later
