"""HR of a company sees who takes part, not one person's meals or trips (game.md, “Children and the law”)."""

from __future__ import annotations

import re

import pytest

from tests.builders import record
from tests.house import House
from tests.leagues.game import API, Game, Member

FRENCH = {"Accept-Language": "fr"}


@pytest.fixture
def company(house: House) -> Game:
    return Game(house, kind="company")


def act(game: Game, member: Member) -> str:
    """A completion of a member; its id."""
    recorded = record(member.client, game.league, game.challenge, player_id=member.player["player_id"])
    return str(recorded.json["completion_id"])


def readable(game: Game, member: Member, completion: str, colleague: Member) -> list[bool]:
    """Whether each way to read what a colleague did is open to somebody."""
    league = f"/leagues/{game.league['league_id']}"
    addresses = (
        f"{API}/completions?league_id={game.league['league_id']}",
        f"{API}/completions/{completion}",
        f"{API}/leagues/{game.league['league_id']}/activity",
        f"{league}/story",
        f"{league}/history?who=all",
        f"{league}/done/{completion}",
    )
    answers = [member.client.get(address).status_code for address in addresses]
    assert set(answers) <= {200, 403}
    day = member.client.get(league).text
    player = member.client.get(f"{league}/players/{colleague.player['player_id']}").text
    return [*(code == 200 for code in answers), 'id="story"' in day, 'id="recorded"' in player]


def test_hr_sees_participation_alone(company: Game) -> None:
    nadia = company.join("player", "Nadia")
    completion = act(company, nadia)
    hr = Member(company.teacher, company.client)
    assert not any(readable(company, hr, completion, nadia))
    league = f"/leagues/{company.league['league_id']}"
    page = hr.client.get(league, headers=FRENCH).text
    assert "Vous voyez qui participe" in page
    assert f"{league}/history" not in page
    assert "1 défi réalisé" in hr.client.get(f"{league}/teams", headers=FRENCH).text, "that Nadia takes part"
    assert hr.client.post(f"{league}/completions/{completion}/reaction", data={"kind": "bravo"}).status_code == 403
    assert hr.client.post(f"{league}/completions/{completion}/withdraw").status_code == 403
    refused = hr.client.get(f"{API}/completions/{completion}", headers=FRENCH).json
    assert refused["code"] == "participation_only"


def test_the_grid_and_the_ticks_of_hr_do_not_tell_what_was_done(company: Game) -> None:
    """Who leads without being HR reads it there: that is how nothing is recorded twice."""
    nadia, leader = company.join("player", "Nadia"), company.somebody("organiser", "Ines")
    company.client.post(company.path("leaders"), json={"person_id": str(leader.caller.person_id)})
    league = f"/leagues/{company.league['league_id']}"
    addresses = (f"{league}/record", f"{league}/record?sheet=food", f"{league}/record-for/{company.challenge}")
    before = [boxes(company.client.get(address).text) for address in addresses]
    assert all(before)
    act(company, nadia)
    assert [boxes(company.client.get(address).text) for address in addresses] == before
    assert [boxes(leader.client.get(address).text) for address in addresses] != before


def boxes(page: str) -> list[tuple[str, ...]]:
    """What a page says of each player and challenge: boxes, marks, counts, names of those who are done."""
    return re.findall(r'type="checkbox"[^>]*value="([^"]+)"|is-recorded|class="hint">([^<]+)|<bdi>([^<]+)', page)


def test_hr_sees_what_they_recorded_themselves(company: Game) -> None:
    nadia = company.join("player", "Nadia")
    mine = record(company.client, company.league, company.challenge, player_id=nadia.player["player_id"]).json
    assert company.client.get(f"{API}/completions/{mine['completion_id']}").status_code == 200


def test_hr_who_plays_reads_the_story_like_every_player(company: Game) -> None:
    nadia = company.join("player", "Nadia")
    completion = act(company, nadia)
    company.client.post(f"{API}/players", json={"code": company.league["code"], "display_name": "Rose"})
    league = f"/leagues/{company.league['league_id']}"
    for address in (f"{league}/story", f"{API}/completions/{completion}", f"{league}/done/{completion}"):
        assert company.client.get(address).status_code == 200, address


def test_who_leads_without_being_hr_reads_what_they_have_to_mend(company: Game) -> None:
    nadia, leader = company.join("player", "Nadia"), company.somebody("organiser", "Ines")
    completion = act(company, nadia)
    assert leader.client.get(f"{API}/completions/{completion}").status_code == 403, "an organiser of another league"
    company.client.post(company.path("leaders"), json={"person_id": str(leader.caller.person_id)})
    league = f"/leagues/{company.league['league_id']}"
    for address in (f"{league}/story", f"{API}/completions/{completion}", f"{league}/history?who=all"):
        assert leader.client.get(address).status_code == 200, address


def test_teachers_read_what_their_pupils_do(game: Game) -> None:
    nour = game.join(name="Nour")
    completion = act(game, nour)
    assert all(readable(game, Member(game.teacher, game.client), completion, nour))
