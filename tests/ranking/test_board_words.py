"""What a board says beside its numbers, in both languages; none, one and many lines."""

from __future__ import annotations

from typing import Any

import pytest

from shared.auth import Caller
from shared.database import new_id
from tests.house import House, caller_of
from tests.pages import elements, links, words_of
from tests.ranking.world import World, minute

BOTH = pytest.mark.parametrize("language", ["fr", "en"])


def get(house: House, caller: Caller | None, path: str, language: str) -> str:
    page = house.client("ranking", caller).get(f"/ranking{path}", headers={"Accept-Language": language})
    assert page.status_code == 200, page.text
    return str(page.text)


def said(language: str, french: str, english: str) -> str:
    return french if language == "fr" else english


def first_league(world: World) -> str:
    return f"/leagues/{world.leagues[0]}"


def scored(world: World, *names: str) -> None:
    """Players of the first league's first team: the last named has most points."""
    team = world.teams[world.leagues[0]][0]
    for points, name in enumerate(names, start=1):
        world.record(team, world.join(team, name), points)


@BOTH
def test_points_are_shown_per_head_or_all_of_them_and_each_is_explained(
    house: House, world: World, language: str
) -> None:
    scored(world, "Ana", "Bob", "Zoé")
    page = get(house, world.pupil(), f"{first_league(world)}/teams", language)
    tabs = links(page)
    per_head, total = (
        said(language, "Points par personne", "Points per head"),
        said(language, "Tous les points", "All points"),
    )
    shares = words_of(get(house, world.pupil(), tabs[per_head].removeprefix("/ranking"), language))
    sums = words_of(get(house, world.pupil(), tabs[total].removeprefix("/ranking"), language))
    assert said(language, "Les points divisés par le nombre de joueurs", "Points divided by the number of") in shares
    assert said(language, "2,00", "2.00") in shares
    assert said(language, "Tous les points gagnés", "All points won so far") in sums
    assert said(language, "3 personnes comptées 6 ", "3 players count 6 ") in sums


@BOTH
def test_a_frozen_head_count_is_explained_with_its_moment(house: House, language: str) -> None:
    world = World(house.databases["ranking"], house.consumers["ranking"]).founded(heads_frozen_at=minute(10))
    scored(world, "Ana", "Bob")
    page = words_of(get(house, world.pupil(), f"{first_league(world)}/teams", language))
    assert said(language, "personne ne gagne au départ des autres", "nobody gains by having others leave") in page
    assert said(language, "2 novembre 2026", "2 November 2026") in page
    players = words_of(get(house, world.pupil(), f"{first_league(world)}/players", language))
    assert said(language, "personne ne gagne au départ des autres", "nobody gains") not in players, (
        "no head is counted there"
    )


@pytest.mark.parametrize("name", ["قنفذ سعيد", "Zoé", "123 لوترة"])
def test_a_name_stands_on_a_board_in_its_own_direction(house: House, world: World, name: str) -> None:
    scored(world, "Ana", "Bob", name)
    page = get(house, world.pupil(), f"{first_league(world)}/players", "fr")
    assert [attributes.get("dir") for attributes, text in elements(page, "span") if text == name] == ["auto"]
    world.reveal(60)
    page = get(house, world.pupil(), f"{first_league(world)}/players", "fr")
    on_podium = [attributes.get("dir") for attributes, text in elements(page, "strong") if text == name]
    assert on_podium == ["auto"]
    heading = get(house, world.teacher(), "/overview", "fr")
    assert {attributes.get("dir") for attributes, text in elements(heading, "a") if text == "League 0"} == {"auto"}
    assert {
        attributes.get("dir") for attributes, text in elements(get(house, world.teacher(), "/", "fr"), "strong")
    } == {"auto"}


@BOTH
def test_a_board_without_a_line_one_with_one_and_one_with_many(house: House, world: World, language: str) -> None:
    path = f"{first_league(world)}/players"
    empty = get(house, world.pupil(), path, language)
    assert said(language, "Personne n’a encore de points", "Nobody has points yet") in words_of(empty)
    assert said(language, "Le premier défi ouvre le classement", "The first challenge opens the board") in words_of(
        empty
    )
    assert not elements(empty, "table")
    scored(world, "Ana")
    one = get(house, world.pupil(), path, language)
    rows = [text for _attributes, text in elements(one, "tr")][1:]
    assert len(rows) == 1
    assert rows[0].startswith("1 Ana")
    assert said(language, "ex æquo", "tied") not in rows[0]
    teams = words_of(get(house, world.pupil(), f"{first_league(world)}/teams", language))
    assert said(language, "1 personne comptée", "1 player counts") in teams
    scored(world, *(f"Lynx {number}" for number in range(120)))
    pages = []
    address: str | None = path
    while address:
        page = get(house, world.pupil(), address, language)
        pages.append([text for _attributes, text in elements(page, "tr")][1:])
        onward = [attributes["href"] for attributes, _text in elements(page, "a") if attributes.get("rel") == "next"]
        address = onward[0].removeprefix("/ranking") if onward else None
        assert said(language, f"Page {len(pages)} sur ", f"Page {len(pages)} of ") in words_of(page)
        assert said(language, "121 lignes dans ce classement", "121 lines on this board") in words_of(page)
    assert sum(map(len, pages)) == 121
    assert len(pages) > 1
    many = words_of(get(house, world.pupil(), f"{first_league(world)}/teams", language))
    assert said(language, "121 personnes comptées", "121 players count") in many


@BOTH
def test_who_has_no_board_is_told_how_to_come_by_one(house: House, language: str) -> None:
    page = get(house, caller_of(new_id(), "pupil"), "/", language)
    assert said(language, "Pas encore de classement à vous", "No board of yours yet") in words_of(page)
    assert "/leagues/join" in links(page).values()
    visitor: Any = get(house, None, "/", language)
    assert said(language, "Pas encore d’édition", "No edition yet") in words_of(visitor)
    assert "/challenges/" in links(visitor).values()
