from __future__ import annotations

import re
from typing import Any

import pytest

from services.ranking.domain.mine import STAGES, Growth, stage_of
from shared import contracts as c
from shared.auth import Caller
from shared.database import new_id
from shared.tenancy import PLATFORM_TENANT_ID
from tests.house import House, caller_of
from tests.ranking.world import World

FRENCH = {"Accept-Language": "fr"}
HOSTILE = '<script>alert(1)</script>"&'


@pytest.fixture
def played(world: World) -> World:
    for league in world.leagues:
        for index, team in enumerate(world.teams[league]):
            for number in range(4):
                player = world.join(team, f"Player {number}" if number else HOSTILE)
                world.record(team, player, number + index)
    return world


def get(house: House, caller: Any, path: str, **headers: str) -> Any:
    return house.client("ranking", caller).get(f"/ranking{path}", headers=FRENCH | headers)


@pytest.mark.parametrize("name", ["teams", "players"])
def test_the_boards_of_a_league_are_a_page_for_its_tenant(house: House, played: World, name: str) -> None:
    league = played.leagues[0]
    page = get(house, played.pupil(), f"/leagues/{league}/{name}")
    assert page.status_code == 200
    assert '<table class="board">' in page.text
    assert "Ce que disent les chiffres" in page.text
    assert "<script>alert" not in page.text
    assert get(house, played.employee(), f"/leagues/{league}/{name}").status_code == 404
    assert get(house, None, f"/leagues/{league}/{name}").status_code == 303
    assert get(house, played.pupil(), f"/leagues/{league}/nonsense").status_code == 404


@pytest.mark.parametrize("name", ["leagues", "tenants"])
@pytest.mark.parametrize("query", ["", "?measure=total", "?measure=nonsense", "?page=9", "?page=x", "?around=me"])
def test_the_board_of_an_open_edition_is_read_by_visitors(house: House, played: World, name: str, query: str) -> None:
    page = get(house, None, f"/editions/{played.edition}/{name}{query}")
    assert page.status_code == 200
    assert "Points par personne" in page.text


def test_ties_are_told_as_ties(house: House, played: World) -> None:
    page = get(house, played.pupil(), f"/leagues/{played.leagues[0]}/players?measure=total")
    assert "ex æquo" in page.text


def test_a_closed_edition_and_an_unknown_one_are_not_there_for_visitors(house: House) -> None:
    own = World(house.databases["ranking"], house.consumers["ranking"], is_open=False, own=True).founded()
    assert get(house, None, f"/editions/{own.edition}/leagues").status_code == 404
    assert get(house, own.pupil(), f"/editions/{own.edition}/leagues").status_code == 200
    assert get(house, None, f"/editions/{new_id()}/leagues").status_code == 404


def test_the_pieces_are_no_whole_pages_and_stay_in_their_tenant(house: House, played: World) -> None:
    for piece in ("planet", "race"):
        path = f"/fragments/leagues/{played.leagues[0]}/{piece}"
        answer = get(house, played.pupil(), path)
        assert answer.status_code == 200
        assert "<html" not in answer.text
        assert "<script>alert" not in answer.text
        strange = get(house, played.employee(), path)
        assert strange.status_code == 404, "the league of another tenant is not there"
        unknown = get(house, played.employee(), path.replace(str(played.leagues[0]), str(new_id())))
        assert without_ids(unknown.text) == without_ids(strange.text), "nothing tells it from one that never was"


def without_ids(text: str) -> str:
    return re.sub(r"[0-9a-f-]{36}", "", text)


@pytest.fixture
def reader(played: World) -> Caller:
    """Somebody of the school who plays in its first league, without points yet."""
    caller = caller_of(played.school, "player")
    played.join(played.teams[played.leagues[0]][1], "Zoé", person=caller.person_id)
    return caller


def test_my_league_and_my_school_are_marked_on_the_boards_of_the_edition(
    house: House, played: World, reader: Caller
) -> None:
    for name in ("leagues", "tenants"):
        page = get(house, reader, f"/editions/{played.edition}/{name}")
        assert page.text.count('class="is-me"') == 1
        assert 'class="is-me"' not in get(house, None, f"/editions/{played.edition}/{name}").text
    around = get(house, reader, f"/editions/{played.edition}/leagues?around=me")
    assert around.text.count('class="is-me"') == 1


def test_around_me_without_points_shows_the_board_and_says_so(house: House, played: World, reader: Caller) -> None:
    played.tell(
        played.school,
        c.TeamCreated(**played.at(played.leagues[0]), team_id=(team := new_id()), name="New", revision=1),
    )
    played.league_of[team] = played.leagues[0]
    late = caller_of(played.school, "player")
    played.kept = []
    played.join(team, "Late", person=late.person_id)
    page = get(house, late, f"/leagues/{played.leagues[0]}/players?around=me")
    assert page.status_code == 200
    assert '<table class="board">' in page.text


def test_the_race_shows_my_team_behind_the_first_twelve(house: House, played: World) -> None:
    league = played.leagues[0]
    for number in range(13):
        team = new_id()
        played.league_of[team] = league
        played.tell(
            played.school, c.TeamCreated(**played.at(league), team_id=team, name=f"Strong {number}", revision=1)
        )
        played.record(team, played.join(team), 50)
    me = caller_of(played.school, "player")
    played.join(played.teams[league][0], "Zoé", person=me.person_id)
    page = get(house, me, f"/fragments/leagues/{league}/race")
    assert page.text.count("<li") == 13
    assert page.text.count('class="is-me"') == 1
    assert get(house, played.pupil(), f"/fragments/leagues/{league}/race").text.count("<li") == 12


def test_a_board_that_stands_still_says_so_to_players_and_moves_for_those_who_organise(
    house: House, played: World
) -> None:
    league = played.leagues[0]
    played.freeze(60)
    played.record(played.teams[league][0], None, 9, when=70)
    still = get(house, played.pupil(), f"/leagues/{league}/teams?measure=total")
    moving = get(house, played.teacher(), f"/leagues/{league}/teams?measure=total")
    assert "Le classement est figé" in still.text
    assert "Le classement est figé" not in moving.text
    assert "<td>15</td>" in moving.text
    assert "<td>15</td>" not in still.text


def steps_of(text: str) -> dict[str, list[str]]:
    """Who stands on which step of the podium."""
    steps = re.findall(r"podium-step place-(\d)(.*?)podium-block", text, re.DOTALL)
    return {place: re.findall(r"<strong[^>]*>(.*?)</strong>", step) for place, step in steps}


def named(world: World, *points: int) -> list[str]:
    """Players of the first league with so many points each, A with the first, B with the second …"""
    names = [chr(ord("A") + number) for number in range(len(points))]
    team = world.teams[world.leagues[0]][0]
    for name, value in zip(names, points, strict=True):
        world.record(team, world.join(team, name), value)
    return names


def test_the_first_three_stand_on_a_podium_once_the_winners_are_told(house: House, world: World) -> None:
    named(world, 9, 7, 5, 3)
    path = f"/leagues/{world.leagues[0]}/players"
    assert "podium-step" not in get(house, world.pupil(), path).text, "while it runs"
    world.freeze(60)
    for reader in (world.pupil(), world.teacher()):
        assert "podium-step" not in get(house, reader, path).text, "nor while the boards stand still"
    world.reveal(70)
    page = get(house, world.pupil(), path).text
    assert steps_of(page) == {"1": ["A"], "2": ["B"], "3": ["C"]}
    assert '<div class="podium" aria-hidden="true">' in page, "the board below is read, not both"
    assert "ce classement est définitif" in page
    assert 'class="confetti"' in page
    again = get(house, world.pupil(), f"{path}?measure=total").text
    assert "podium-step" in again
    assert 'class="confetti"' not in again, "once is enough"
    assert "podium-step" not in get(house, world.pupil(), f"{path}?page=2").text
    world.freeze(80)
    assert "podium-step" not in get(house, world.pupil(), path).text, "the boards stand still again"


def test_the_boards_of_a_told_edition_have_their_podium_for_everybody(house: House, played: World) -> None:
    played.reveal(60)
    assert len(steps_of(get(house, None, f"/editions/{played.edition}/leagues").text)) == 3
    for board in (f"editions/{played.edition}/tenants", f"leagues/{played.leagues[0]}/teams"):
        assert "podium-step" not in get(house, played.pupil(), f"/{board}").text, "two are no podium"


@pytest.mark.parametrize(
    ("points", "steps"),
    [
        ((9, 9, 5, 3), (["A", "B"], [], ["C"])),
        ((9, 5, 5, 3), (["A"], ["B", "C"], [])),
        ((9, 5, 3, 3), (["A"], ["B"], ["C", "D"])),
        ((9, 9, 9, 9), (["A", "B", "C"], [], [])),
        ((9, 0, 0), (["A"], [], [])),
        ((0, 0, 0), None),
        ((9, 5), None),
        ((4,) * 31, None),
    ],
)
def test_who_shares_a_place_shares_a_step(
    house: House, world: World, points: tuple[int, ...], steps: tuple[list[str], ...] | None
) -> None:
    named(world, *points)
    world.reveal(60)
    page = get(house, world.pupil(), f"/leagues/{world.leagues[0]}/players").text
    assert steps_of(page) == (dict(zip("123", steps, strict=True)) if steps else {})
    assert ("et 1 autre" in page) == (points == (9, 9, 9, 9))


def test_the_planet_grows_with_the_points_per_head() -> None:
    assert [stage_of(points, 1) for points in (0, *STAGES)] == [0, 1, 2, 3, 4, 5, 6]
    assert stage_of(10, 10) == 1
    assert stage_of(0, 0) == 0
    assert stage_of(-50, 2) == 0


def test_how_far_the_planet_is_never_says_more_than_there_is() -> None:
    almost = Growth(points=4_999, heads=1_000)
    assert (almost.stage, almost.per_head, almost.missing, almost.share) == (1, 4.9, 0.1, 98)
    assert [Growth(step, 1).share for step in STAGES] == [0, 0, 0, 0, 0, 100]
    begun, full, behind = Growth(), Growth(900, 10), Growth(-13, 10)
    assert (begun.stage, begun.missing, begun.share) == (0, 1, 0)
    assert (full.stage, full.missing, full.share) == (6, 0, 100)
    assert (behind.per_head, behind.missing, behind.share) == (-1.3, 2.3, 0)


def planet_of(house: House, played: World, query: str = "") -> str:
    page = get(house, played.pupil(), f"/fragments/leagues/{played.leagues[0]}/planet{query}")
    assert page.status_code == 200
    return str(page.text)


def test_the_planet_says_how_far_it_is_to_the_next_stage(house: House, played: World) -> None:
    assert "stage-1" in planet_of(house, played)
    assert "Encore 3 points par personne et elle verdit" in planet_of(house, played)
    played.record(played.teams[played.leagues[0]][0], None, 12)
    assert "Encore 1,5 point par personne" in planet_of(house, played)
    english = get(
        house,
        played.pupil(),
        f"/fragments/leagues/{played.leagues[0]}/planet",
        **{"Accept-Language": "en"},
    )
    assert "1.5 more points per head and it turns green" in english.text


def test_after_a_tap_the_planet_asks_until_the_points_are_in_it(house: House, played: World) -> None:
    completion, asking = new_id(), 'hx-trigger="load delay:'
    waiting = planet_of(house, played, f"?completion={completion}")
    assert "Ce défi est en route" in waiting
    assert f"?completion={completion}&amp;asked=1" in waiting
    assert asking not in planet_of(house, played, f"?completion={completion}&asked=5"), "not for ever"
    played.record(played.teams[played.leagues[0]][0], None, 2, completion=completion)
    there = planet_of(house, played, f"?completion={completion}")
    assert "Ce défi y est compté" in there
    assert asking not in there
    assert "growth-news" not in planet_of(house, played, "?completion=nonsense")
    elsewhere = played.record(played.teams[played.leagues[1]][0], None, 2)
    assert "Ce défi est en route" in planet_of(house, played, f"?completion={elsewhere}"), "another league's"


def test_points_that_made_the_planet_grow_are_thanked(house: House, played: World) -> None:
    team = played.teams[played.leagues[0]][0]
    small, large = (played.record(team, None, points) for points in (1, 60))
    assert "La planète a grandi grâce à ces points" in planet_of(house, played, f"?completion={large}")
    assert "Elle a grandi" not in planet_of(house, played, f"?completion={small}")


def test_organisers_see_the_figures_of_their_leagues_with_the_table_behind(house: House, played: World) -> None:
    teacher = caller_of(played.school, "organiser")
    page = get(house, teacher, "/overview")
    assert page.status_code == 200
    assert "<canvas" in page.text
    assert page.text.count("data-value=") == 4, "the school's two leagues, not the company's"
    assert get(house, played.pupil(), "/overview").status_code == 403
    assert "Pas encore de ligue" in get(house, caller_of(new_id(), "organiser"), "/overview").text


def test_the_overview_says_who_has_begun_and_hides_what_few_people_did(house: House, played: World) -> None:
    league = played.leagues[0]
    for number in range(3):
        played.join(played.teams[league][0], f"Waiting {number}")
    played.record(played.teams[league][0], None, 4)
    page = get(house, played.teacher(), "/overview?order=name")
    rows = re.findall(r"<tr><th scope=\"row\">.*?</tr>", page.text)
    assert [re.findall(r"<td[^>]*>(?:<a[^>]*>)?([^<]*)", row) for row in rows] == [
        ["8", "3", "11", "9", "0,8"],
        ["8", "0", "8", "8", "1"],
    ]
    assert "16 sur 19" in page.text
    assert f"/leagues/{league}/teams?who=waiting" in rows[0]


def test_the_overview_is_taken_along_as_a_table(house: House, played: World) -> None:
    page = get(house, played.teacher(), "/overview").text
    [address] = re.findall(r'href="/ranking(/overview\.csv\?edition=[^"]+)"', page)
    answer = get(house, played.teacher(), address)
    assert answer.data.startswith(b"\xef\xbb\xbf"), "spreadsheets see that it is UTF-8"
    assert answer.mimetype == "text/csv"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename")
    lines = answer.data.decode("utf-8-sig").splitlines()
    assert lines[0] == "Ligue;Personnes;Ont commencé;Défis réalisés" or lines[0].count(";") == 3
    assert len(lines) == 3
    assert [line.split(";")[1:] for line in lines[1:]] == [["8", "8", "8"], ["8", "8", "8"]]
    assert get(house, played.pupil(), address).status_code == 403
    assert get(house, caller_of(new_id(), "organiser"), address).status_code == 404


def test_the_overview_hides_what_fewer_than_five_did(house: House, world: World) -> None:
    world.record(world.teams[world.leagues[0]][0], world.join(world.teams[world.leagues[0]][0]), 3)
    page = get(house, world.teacher(), "/overview?order=name")
    rows = re.findall(r"<tr><th scope=\"row\">.*?</tr>", page.text)
    assert re.findall(r"<td[^>]*>(?:<a[^>]*>)?([^<]*)", rows[0]) == ["1", "0", "1", "—", "—"]


def test_who_left_is_neither_waited_for_nor_counted_as_begun(house: House, played: World) -> None:
    league = played.leagues[1]
    team = played.teams[league][0]
    idle, active = played.join(team, "Idle"), played.join(team, "Active")
    played.record(team, active, 3)
    played.leave(idle, team, 5)
    played.leave(active, team, 5)
    page = get(house, played.teacher(), "/overview?order=name")
    row = re.findall(r"<tr><th scope=\"row\">.*?</tr>", page.text)[1]
    assert re.findall(r"<td[^>]*>(?:<a[^>]*>)?([^<]*)", row)[:3] == ["8", "0", "8"]


@pytest.mark.parametrize("order", ["least", "most", "name", "nonsense"])
def test_the_overview_is_in_the_order_asked_for_and_by_edition(house: House, played: World, order: str) -> None:
    played.join(played.teams[played.leagues[1]][0], "Waiting")
    page = get(house, played.teacher(), f"/overview?order={order}&edition={new_id()}")
    names = re.findall(r'dir="auto">(League \d)</a>', page.text)
    assert names == (["League 0", "League 1"] if order in ("most", "name") else ["League 1", "League 0"])


def test_the_start_lists_the_boards_that_concern_the_reader(house: House, played: World) -> None:
    teacher = get(house, caller_of(played.school, "organiser"), "/")
    assert str(played.leagues[0]) in teacher.text
    assert str(played.leagues[2]) not in teacher.text
    nobody = get(house, caller_of(played.school, "pupil"), "/")
    assert "Pas encore de classement à vous" in nobody.text
    assert f"/ranking/editions/{played.edition}/leagues" in nobody.text, "an open edition is everybody's to read"


def test_visitors_find_the_open_editions_and_no_other(house: House, played: World) -> None:
    own = World(house.databases["ranking"], house.consumers["ranking"], is_open=False, own=True).founded()
    page = get(house, None, "/")
    assert page.status_code == 200
    assert f"/ranking/editions/{played.edition}/leagues" in page.text
    assert str(own.edition) not in page.text
    assert str(own.edition) in get(house, own.pupil(), "/").text


def test_the_counters_are_a_piece_for_everybody(house: House, played: World) -> None:
    assert 'class="stats"' in get(house, None, "/counters").text


def test_how_many_take_part_in_an_open_edition_is_known_to_all_who_may_play_it(house: House, played: World) -> None:
    path = f"/fragments/editions/{played.edition}/taking-part"
    operator = caller_of(PLATFORM_TENANT_ID, "operator", kind="platform")
    for caller in (operator, played.pupil(), played.employee(), caller_of()):
        page = get(house, caller, path, **{"Accept-Language": "en"})
        assert page.status_code == 200
        assert f"{len(played.leagues)} leagues take part" in page.text
        assert "from 2 schools, companies or communities" in page.text
        assert "<html" not in page.text


def test_nobody_takes_part_in_an_edition_that_is_not_there_or_not_theirs(house: House) -> None:
    own = World(house.databases["ranking"], house.consumers["ranking"], is_open=False, own=True).founded()
    for caller, edition in ((caller_of(), own.edition), (own.pupil(), new_id())):
        assert (
            "0 leagues"
            in get(house, caller, f"/fragments/editions/{edition}/taking-part", **{"Accept-Language": "en"}).text
        )


@pytest.mark.parametrize(
    ("role", "words", "address"),
    [
        ("administrator", "Ouvrez une ligue", "/leagues/new"),
        ("organiser", "Ouvrez une ligue", "/leagues/new"),
        ("player", "Rejoignez une ligue", "/leagues/join"),
        ("operator", "Rien à voir", None),
    ],
)
def test_whoever_has_no_board_yet_is_told_what_fits_them(
    house: House, role: str, words: str, address: str | None
) -> None:
    page = get(house, caller_of(new_id(), role), "/").text
    assert words in page
    offered = [path for path in ("/leagues/new", "/leagues/join") if f'<a class="button primary" href="{path}"' in page]
    assert offered == ([address] if address else [])


def test_operators_see_the_boards_there_are_instead_of_nothing(house: House, played: World) -> None:
    page = get(house, caller_of(new_id(), "operator", kind="platform"), "/").text
    assert f"/ranking/editions/{played.edition}/leagues" in page
    assert "Rien à voir" not in page
