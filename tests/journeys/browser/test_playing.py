"""Players, teachers, HR managers and visitors, from the home page to their goal, in a browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.browser.reader import Reader
from tests.journeys.process import Services

PASSWORD = "trois renards au marché"
NAME = "Renard à très long nom qui ne tient pas sur une ligne de téléphone"
LEAGUE = re.compile(r"/leagues/[0-9a-f-]{36}$")
TEACHER, HR, LEADER = "prof@lilas.example", "rh@atelier-vert.example", "zoe@grand-public.example"


def new_address() -> str:
    return f"{uuid4().hex[:12]}@example.org"


def code_of_a_league(open_reader: Callable[..., Reader]) -> str:
    """The code of a league of the community, as its leader reads it."""
    leader = open_reader()
    leader.sign_in(LEADER)
    leader.page.locator(".door a").first.click()
    leader.page.locator("a[href$=invite]").click()
    return leader.page.locator("#code").inner_text()


def join(reader: Reader, code: str) -> Page:
    """A new player joins by the code, from the home page."""
    page = reader.page
    reader.goto("/")
    page.fill("[name=code]", code)
    page.locator(".hero button").click()
    reader.shot("invited")
    page.locator("a[href^='/players/new']").click()
    page.fill("[name=display_name]", NAME)
    page.fill("[name=email]", new_address())
    page.fill("[name=password]", PASSWORD)
    page.locator("main button").click()
    page.wait_for_url("**/leagues/join/**")
    page.fill("[name=display_name]", NAME)  # the account's own name arrives by an event, perhaps later
    reader.shot("choose-a-team")
    page.locator("main button").click()
    page.wait_for_url(LEAGUE)
    page.wait_for_load_state("networkidle")
    return page


def test_a_player_joins_records_in_two_taps_and_takes_it_back(
    reader: Reader, open_reader: Callable[..., Reader]
) -> None:
    page = join(reader, code_of_a_league(open_reader))
    expect(page.locator(".planet-place .planet")).to_be_visible()
    expect(page.locator(".race li").first).to_be_visible()
    reader.shot("today")
    page.locator(".challenge a").first.click()
    expect(page.locator(".why-place h2").first).to_be_visible()
    reader.shot("challenge")
    page.locator("main form button.primary").dblclick()
    page.wait_for_url("**/done/**")
    reader.shot("done")
    assert re.search(r"\+\d", page.locator(".big-points").inner_text())
    done = page.url
    page.go_back()
    expect(page.locator("main .tags .tag", has_text=re.compile("1 (sur|of)"))).to_be_visible()
    page.goto(done)
    page.locator("main .actions a").first.click()
    page.wait_for_url(LEAGUE)
    page.wait_for_load_state("networkidle")
    assert page.locator("section[aria-labelledby=done] li").count() == 1
    reader.goto(page.url + "/history")
    reader.shot("history")
    page.locator("form[action$=withdraw] button").first.click()
    expect(page.locator(".said")).to_be_visible()
    reader.shot("taken-back")


def test_without_javascript_a_player_joins_and_records(open_reader: Callable[..., Reader]) -> None:
    reader = open_reader(script=False)
    page = join(reader, code_of_a_league(open_reader))
    page.locator(".challenge a").first.click()
    page.locator("main form button.primary").click()
    page.wait_for_url("**/done/**")
    expect(page.locator(".big-points")).to_be_visible()


def test_a_teacher_opens_a_league_enters_pupils_and_ticks_for_the_class(reader: Reader) -> None:
    page = reader.page
    reader.sign_in(TEACHER)
    reader.shot("leagues")
    page.locator("a[href='/leagues/new']").click()
    page.fill("[name=name]", "Les CM2 de Mme Diop")
    reader.shot("new-league")
    page.locator("main form button.primary").click()
    expect(page.locator(".qr")).to_be_visible()
    reader.shot("invite")
    league = page.url.removesuffix("/invite")
    reader.goto(f"{league}/poster")
    reader.shot("poster")
    reader.goto(f"{league}/teams")
    page.fill("[name=names]", "Loup gris\nOurse\nمريم\nRenard roux\nLynx\nHérisson")
    page.locator("section[aria-labelledby=add-players] button").click()
    expect(page.locator("main .rows li strong")).to_have_count(6)
    reader.shot("teams")
    page.locator("form[action$=balance] button").click()
    page.locator("form[action$='/lock'] button").click()
    expect(page.locator("form[action$='/unlock'] button")).to_be_visible()
    reader.goto(f"{league}/challenges?category=mobility")
    reader.shot("challenges")
    page.locator(".challenge a").first.click()
    page.locator("[data-tick-all]").click()
    reader.shot("tick")
    page.locator("main form button.primary").click()
    expect(page.locator("main .rows .tag.success")).to_have_count(6)
    reader.shot("recorded")
    reader.goto(f"{league}/settings")
    reader.shot("settings")
    reader.goto(league)
    reader.shot("league")


def test_an_hr_manager_makes_an_edition_and_looks_at_the_figures(reader: Reader) -> None:
    page = reader.page
    reader.sign_in(HR)
    reader.goto("/ranking/overview")
    expect(page.locator("canvas")).to_be_visible()
    reader.shot("overview")
    reader.goto("/leagues/editions/")
    reader.shot("editions")
    page.locator("a[href='/leagues/editions/new']").click()
    page.fill("[name=name]", "Printemps au bureau")
    page.fill("[name=starts_at]", "2031-03-03T09:00")
    reader.shot("new-edition")
    page.locator("main form button.primary").click()
    expect(page.locator("[aria-current=step]")).to_be_visible()
    page.locator("form[action$=registration] button").click()
    reader.shot("published")
    page.locator("a[href$=clone]").click()
    page.fill("[name=starts_at]", "2032-03-01T09:00")
    reader.shot("clone")


def test_a_visitor_reads_the_catalogue_and_the_boards_of_an_open_edition(
    reader: Reader, open_reader: Callable[..., Reader], site: Services
) -> None:
    page = reader.page
    reader.goto("/challenges/")
    reader.shot("catalogue")
    page.fill("[name=q]", "vélo" if page.get_attribute("html", "lang") == "fr" else "bike")
    page.locator(".search button").click()
    page.locator(".challenge a").first.click()
    reader.shot("challenge")
    member = open_reader()
    member.sign_in(TEACHER)
    member.goto("/ranking/")
    address = member.page.locator("a[href^='/ranking/editions/']").first.get_attribute("href") or ""
    reader.goto(address)
    expect(page.locator(".board tbody tr").nth(6)).to_be_visible()
    reader.shot("board")
    reader.goto(f"{address}?measure=total")
    reader.goto(address.replace("/leagues", "/tenants"))
    reader.shot("tenants")


@pytest.mark.parametrize("width", [320])
def test_the_pages_of_play_fit_the_smallest_screen_and_the_dark(open_reader: Callable[..., Reader], width: int) -> None:
    reader = open_reader(scheme="dark", width=width)
    reader.sign_in(TEACHER)
    reader.page.locator(".door a").first.click()
    reader.page.wait_for_url(LEAGUE)
    league = reader.page.url
    for rest in ("", "/challenges", "/teams", "/invite", "/settings", "/history"):
        reader.goto(league + rest)
        reader.shot(f"league{rest}".replace("/", "-"))
    for path in ("/leagues/new", "/ranking/", "/ranking/overview", "/challenges/", "/leagues/editions/"):
        reader.goto(path)
        reader.shot(path.strip("/").replace("/", "-"))
