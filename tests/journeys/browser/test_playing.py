"""Players, teachers, HR managers and visitors, from the home page to their goal, in a browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import uuid4

from playwright.sync_api import Page, expect

from tests.journeys.browser.reader import Reader

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
    leader.press(".door a")
    leader.press("main a[href$='/invite']")
    return leader.page.locator("#code").inner_text()


def open_league(reader: Reader, name: str) -> None:
    """Opens a league in the edition that is running: another test may have published one."""
    page = reader.page
    reader.press("main a[href='/leagues/new']")
    page.fill("[name=name]", name)
    running = page.locator("[name=edition_id] option", has_text="démonstration").get_attribute("value")
    page.select_option("[name=edition_id]", running)
    reader.shot("new-league")
    reader.press("main form button.primary")
    expect(page.locator(".qr")).to_be_visible()
    reader.shot("invite")


def open_account(reader: Reader) -> None:
    """Fills in the form of the community."""
    page = reader.page
    page.fill("[name=display_name]", NAME)
    page.fill("[name=email]", new_address())
    page.fill("[name=password]", PASSWORD)
    page.locator("main form button.primary").click()
    page.wait_for_url("**/leagues/**")
    reader.settle()


def join(reader: Reader, code: str) -> Page:
    """A new player joins by the code, from the home page."""
    page = reader.page
    reader.goto("/")
    page.fill("[name=code]", code)
    reader.press(".hero button")
    reader.shot("invited")
    reader.press("main a[href^='/players/new']")
    open_account(reader)
    join_here(reader)
    return page


def join_here(reader: Reader) -> None:
    """Sends the form of a league that one joins."""
    page = reader.page
    page.fill("[name=display_name]", NAME)  # the account's own name arrives by an event, perhaps later
    reader.shot("choose-a-team")
    page.locator("main form button.primary").click()
    page.wait_for_url(LEAGUE)
    reader.settle()


def test_a_player_joins_records_in_two_taps_and_takes_it_back(
    reader: Reader, open_reader: Callable[..., Reader]
) -> None:
    page = join(reader, code_of_a_league(open_reader))
    expect(page.locator(".planet-place .planet")).to_be_visible()
    expect(page.locator(".race li").first).to_be_visible()
    reader.shot("today")
    reader.press(".challenge a")
    expect(page.locator(".why-place h2").first).to_be_visible()
    reader.shot("challenge")
    page.locator("main form button.primary").dblclick()
    page.wait_for_url("**/done/**")
    reader.settle()
    reader.shot("done")
    assert re.search(r"\+\d", page.locator(".big-points").inner_text())
    page.go_back()
    expect(page.locator("main .tags .tag", has_text=re.compile("1 (sur|of)"))).to_be_visible()
    page.go_forward()
    reader.press("main .actions a")
    page.wait_for_url(LEAGUE)
    expect(page.locator("section[aria-labelledby=done] li")).to_have_count(1)
    reader.press("main a[href$='/history']")
    reader.shot("history")
    reader.press("form[action$=withdraw] button")
    expect(page.locator(".said")).to_be_visible()
    reader.shot("taken-back")
    reader.press("nav a[href='/ranking/']")
    reader.press("main a[href^='/ranking/leagues/'][href$='/players']")
    expect(page.locator(".board tbody tr").first).to_be_visible()
    reader.shot("board")


def test_without_javascript_a_player_joins_and_records(open_reader: Callable[..., Reader]) -> None:
    reader = open_reader(script=False)
    page = join(reader, code_of_a_league(open_reader))
    page.locator(".challenge a").first.click()
    page.locator("main form button.primary").click()
    page.wait_for_url("**/done/**")
    expect(page.locator(".big-points")).to_be_visible()


def test_among_friends_one_opens_a_league_invites_hands_it_over_and_leaves(
    reader: Reader, open_reader: Callable[..., Reader]
) -> None:
    page = reader.page
    reader.goto("/")
    reader.press("main a[href='/players/new']")
    open_account(reader)
    reader.shot("welcome")
    open_league(reader, "Les voisins de la rue des Lilas")
    code = page.locator("#code").inner_text()
    reader.press("main a[href^='/leagues/join/']")  # plays too
    join_here(reader)
    friend = open_reader()
    join(friend, code)
    reader.press("main a[href$='/settings']")
    page.locator("[name=person_id]").select_option(index=0)
    reader.shot("hand-over")
    reader.press("form[action$='/leaders'] button")
    expect(page.locator("form[action$='/dismiss']")).to_have_count(2)
    mine = page.locator("details.sure", has=page.locator(".danger", has_text=re.compile("Je|I no longer")))
    mine.locator("summary").click()
    reader.shot("step-down")
    mine.locator("button").click()
    page.wait_for_url(LEAGUE)  # the only one: it is where "my leagues" lead
    reader.settle()
    expect(page.locator("main a[href$='/settings']")).to_have_count(0)
    reader.shot("led-by-the-friend")
    reader.press("main a[href*='/players/']")
    reader.press("main a[href$='/leave']")
    reader.shot("leave")
    reader.press("main form button.danger")
    expect(page.locator(".said")).to_be_visible()
    expect(page.locator(".door")).to_have_count(0)
    reader.shot("left")
    friend.press("nav a[href='/leagues/']")
    friend.press("main a[href^='/leagues/'][href$='/teams']")
    expect(friend.page.locator("main .rows li strong")).to_have_count(1)
    friend.shot("now-leads")


def test_a_teacher_opens_a_league_enters_pupils_and_ticks_for_the_class(reader: Reader) -> None:
    page = reader.page
    name = f"Les CM2 de Mme Diop {uuid4().hex[:4]}"
    reader.sign_in(TEACHER)
    reader.shot("leagues")
    open_league(reader, name)
    reader.press("main a[href$='/poster']")
    reader.shot("poster")
    reader.press("main a[href$='/invite']")
    reader.press("main a[href$='/teams']")
    page.fill("[name=names]", "Loup gris\nOurse\nمريم\nRenard roux\nLynx\nHérisson")
    reader.press("section[aria-labelledby=add-players] button")
    expect(page.locator("main .rows li strong")).to_have_count(6)
    reader.shot("teams")
    reader.press("form[action$=balance] button")
    reader.press("form[action$='/lock'] button")
    expect(page.locator("form[action$='/unlock'] button")).to_be_visible()
    reader.press("nav a[href='/leagues/']")
    reader.press(f".door a:has-text('{name}')")
    reader.shot("league")
    reader.press("main a[href$='/record']")
    boxes = page.locator(".ticks [type=checkbox]")
    boxes.nth(0).check()
    boxes.nth(1).check()
    reader.shot("grid")
    reader.press("main form .button.primary")
    expect(page.locator("main .recorded > li")).to_have_count(2)
    reader.shot("recorded")
    reader.press("main .actions a.secondary")
    reader.press("main a[href$='/challenges']")
    reader.press("main a[href^='?category=mobility']")
    reader.shot("challenges")
    reader.press(".challenge a")
    page.locator("[data-tick-all]").click()
    reader.shot("tick-all")
    reader.press("main form button.primary")
    expect(page.locator("main .recorded > li")).to_have_count(6)
    reader.shot("recorded-for-all")
    reader.press("nav a[href='/leagues/']")
    reader.press(f".door a:has-text('{name}')")
    reader.press("main a[href$='/settings']")
    reader.shot("settings")


def test_an_hr_manager_makes_an_edition_and_looks_at_the_figures(reader: Reader) -> None:
    page = reader.page
    reader.sign_in(HR)
    reader.shot("leagues")
    reader.press("main a[href='/ranking/overview']")
    expect(page.locator("canvas")).to_be_visible()
    reader.shot("overview")
    reader.press("nav a[href='/leagues/']")
    reader.press("main a[href='/leagues/editions/']")
    reader.shot("editions")
    reader.press("main a[href='/leagues/editions/new']")
    page.fill("[name=name]", "Printemps au bureau")
    page.fill("[name=starts_at]", "2031-03-03T09:00")
    reader.shot("new-edition")
    reader.press("main form button.primary")
    expect(page.locator("[aria-current=step]")).to_be_visible()
    reader.press("form[action$=registration] button")
    expect(page.locator("form[action$=registration]")).to_have_count(0)
    reader.shot("published")
    reader.press("main a[href$=clone]")
    page.fill("[name=starts_at]", "2032-03-01T09:00")
    reader.shot("clone")
    reader.press("main form button.primary")
    expect(page.locator("form[action$=registration]")).to_be_visible()
    reader.press("nav a[href='/identity/people']")
    reader.press("main a[href='/identity/people/invite']")
    reader.shot("invite-a-colleague")


def test_a_visitor_reads_the_catalogue_and_the_boards_of_an_open_edition(reader: Reader) -> None:
    page = reader.page
    reader.goto("/")
    reader.press("nav a[href='/challenges/']")
    reader.shot("catalogue")
    page.fill("[name=q]", "vélo" if page.get_attribute("html", "lang") == "fr" else "bike")
    reader.press(".search button")
    reader.press(".challenge a")
    reader.shot("challenge")
    reader.press("nav a[href='/ranking/']")
    reader.shot("editions")
    reader.press("main .rows li:has-text('démonstration') a[href$='/leagues']")
    expect(page.locator(".board tbody tr").nth(6)).to_be_visible()
    reader.shot("board")
    reader.press("main a[href*='measure=total']")
    reader.shot("total")
    reader.press("main a[href*='/tenants']")
    reader.shot("tenants")
