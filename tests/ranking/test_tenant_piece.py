"""How much a tenant plays, as its operators read it."""

from __future__ import annotations

from typing import Any

import pytest

from shared import contracts as c
from shared.database import new_id
from shared.tenancy import PLATFORM_TENANT_ID
from tests.house import House, caller_of
from tests.pages import words_of
from tests.ranking.test_pages import get
from tests.ranking.world import NEVER, World


@pytest.fixture
def played(world: World) -> World:
    for league in world.leagues:
        for team in world.teams[league]:
            for number in range(4):
                world.record(team, world.join(team, f"Player {number}"), number)
    return world


def of_tenant(house: House, tenant: Any, caller: Any = None) -> Any:
    reader = caller or caller_of(PLATFORM_TENANT_ID, "operator", kind="platform")
    return get(house, reader, f"/fragments/tenants/{tenant}")


def test_an_operator_reads_how_much_a_tenant_plays_and_nothing_of_another(house: House, played: World) -> None:
    played.record(played.teams[played.leagues[2]][0], None, 4, when=90)
    school, company = (words_of(of_tenant(house, one).text) for one in (played.school, played.company))
    assert "2 ligues 16 joueuses et joueurs 16 défis réalisés" in school
    assert "Edition 2 ligues · 16 personnes · 16 défis réalisés" in school
    assert "1 ligue 8 joueuses et joueurs 9 défis réalisés" in company
    assert "2 nov. 2026" in school
    assert "<html" not in of_tenant(house, played.school).text
    assert "Player" not in of_tenant(house, played.school).text, "nobody by name"
    assert "Pas encore de ligue" in words_of(of_tenant(house, new_id()).text)


def test_a_tenant_counts_each_of_its_editions_by_itself(house: House, played: World) -> None:
    later = new_id()
    at = {"league_id": new_id(), "edition_id": later, "edition_tenant_id": played.owner}
    created = {"name": "Late", "tenant_name": "The school", "age_band": None, "heads_frozen_at": NEVER, "revision": 1}
    played.tell(played.school, c.LeagueCreated(**at, **created))
    page = words_of(of_tenant(house, played.school).text)
    assert "3 ligues 16 joueuses et joueurs" in page
    assert "Une édition encore sans nom 1 ligue · 0 personne" in page
    assert page.index("sans nom") < page.index("Edition 2 ligues"), "the newest first"


def test_what_few_people_of_a_tenant_did_is_not_told_to_operators_either(house: House, world: World) -> None:
    team = world.teams[world.leagues[0]][0]
    world.record(team, world.join(team), 3)
    page = words_of(of_tenant(house, world.school).text)
    assert "2 ligues 1 personne qui joue — défi" in page
    assert "1 défi" not in page


def test_nobody_but_an_operator_reads_how_much_a_tenant_plays(house: House, played: World) -> None:
    for caller in (
        played.pupil(),
        played.teacher(),
        caller_of(played.school, "administrator"),
        caller_of(played.company, "organiser"),
    ):
        assert of_tenant(house, played.school, caller).status_code == 403
    assert get(house, None, f"/fragments/tenants/{played.school}").status_code == 303
