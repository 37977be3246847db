"""Back to a page that answered a form: it is seen again, and nothing is sent. And on with one whose session ended."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from services.demo import DEMO_PASSWORD
from tests.journeys.browser.reader import Reader
from tests.journeys.browser.test_offline import (
    COUNTS,
    PASSWORD,
    TAP,
    TEACHER,
    begin_class,
    end_session,
    kept,
    ready,
    recorded,
    sign_out,
)


@pytest.fixture
def reader(open_reader: Callable[..., Reader]) -> Reader:
    return open_reader("phone", "fr")


@pytest.fixture
def school(reader: Reader) -> str:
    """A class of three pupils of its own; its address. The reader is the teacher."""
    return begin_class(reader)


def refuse_a_tick(page: Page, league: str) -> None:
    """Ticks two cells of which one counts as often as it may by the time it is sent; the answer says so."""
    page.goto(f"{league}/record", wait_until="networkidle")
    ready(page)
    boxes = page.locator(".ticks [type=checkbox]")
    value = boxes.nth(0).get_attribute("value")
    other = page.context.new_page()
    other.goto(f"{league}/record")
    while (box := other.locator(f".ticks [value='{value}']")).count():
        box.check()
        other.locator("main .at-hand .button.primary").click()
        expect(other.locator("main .notice.success")).to_be_visible()
        other.goto(f"{league}/record")
    other.close()
    boxes.nth(0).check()
    boxes.nth(1).check()
    with page.expect_navigation():
        page.locator("main .at-hand .button.primary").click()
    expect(page.locator("main")).to_contain_text(COUNTS)


def test_back_to_ticks_that_were_refused_shows_why_and_sends_nothing(reader: Reader, school: str) -> None:
    page = reader.page
    refuse_a_tick(page, school)
    told = page.locator("main").inner_text()
    page.locator(".brand").click()
    page.wait_for_url("**/leagues/")
    counted = recorded(reader, school).count()
    page.go_back()
    page.go_back()
    expect(page.locator("main")).to_have_text(told, use_inner_text=True)
    assert page.url == f"{school}/record"
    assert kept(page) == []
    reader.shot("again")
    expect(recorded(reader, school)).to_have_count(counted)


def test_back_to_a_form_that_was_refused_shows_it_again(reader: Reader, school: str) -> None:
    page = reader.page
    reader.goto("/identity/me/password")
    ready(page)
    page.fill("[name=current_password]", "nothing that is right")
    page.fill("[name=new_password]", PASSWORD)
    with page.expect_navigation():
        page.locator(TAP).click()
    said = page.locator("[data-form-errors]").inner_text()
    page.locator(".brand").click()
    page.wait_for_url("**/leagues/")
    page.go_back()
    expect(page.locator("[data-form-errors]")).to_have_text(said, use_inner_text=True)
    assert PASSWORD not in page.content()
    page.locator(".brand").click()
    page.wait_for_url("**/leagues/")
    sign_out(reader)
    page.go_back()
    page.go_back()
    page.go_back()
    expect(page.locator("[data-form-errors]")).to_have_count(0)
    page.wait_for_url("**/sign-in?to=*")


def forget(page: Page) -> None:
    """The browser ends a service worker that has nothing to do; what it knew is gone."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("ServiceWorker.enable")
    devtools.send("ServiceWorker.stopAllWorkers")


@pytest.mark.parametrize(("name", "ends_at"), [("name", "/leagues/"), ("names", "/teams")])
def test_back_to_an_answer_that_is_forgotten_leads_to_the_page_of_the_form_or_the_start(
    reader: Reader, school: str, name: str, ends_at: str
) -> None:
    page = reader.page
    reader.goto(f"{school}/teams")
    ready(page)
    field = page.locator(f"main form:has([name={name}])")
    field.locator(f"[name={name}]").evaluate("(one) => one.removeAttribute('maxlength')")
    field.locator(f"[name={name}]").fill("x" * 81)
    with page.expect_navigation():
        field.locator("button").click()
    expect(page.locator("[data-form-errors]")).to_have_count(1)
    assert page.url == f"{school}/teams{'/add' if name == 'name' else ''}"
    page.locator(".brand").click()
    page.wait_for_url("**/leagues/")
    forget(page)
    page.go_back()
    page.wait_for_url(lambda url: url.endswith(ends_at))
    expect(page.locator("[data-form-errors]")).to_have_count(0)
    reader.shot("forgotten")


def sign_in_again(reader: Reader) -> None:
    page = reader.page
    reader.shot("sign-in-again")
    page.fill("[name=email]", TEACHER)
    page.fill("[name=password]", DEMO_PASSWORD)
    with page.expect_navigation():
        page.locator(TAP).click()
    reader.shot("send-again")


def test_a_tap_of_a_session_that_has_ended_is_done_afterwards(reader: Reader, school: str) -> None:
    page = reader.page
    end_session(reader)
    with page.expect_navigation():
        page.locator("form[action$='/teams/lock'] button").click()
    expect(page.locator("main .notice")).to_contain_text("Ce n’est pas encore fait")
    sign_in_again(reader)
    expect(page.locator(".typed")).to_have_count(0)
    page.get_by_role("button", name="Le faire maintenant").click()
    page.wait_for_url(f"{school}/teams")
    expect(page.locator("form[action$='/teams/unlock']")).to_have_count(1)


def test_ticks_of_a_session_that_has_ended_are_told_in_words_and_sent_afterwards(reader: Reader, school: str) -> None:
    page = reader.page
    reader.goto(f"{school}/record")
    page.locator(".ticks [type=checkbox]").nth(0).check()
    page.locator(".ticks [type=checkbox]").nth(1).check()
    end_session(reader)
    with page.expect_navigation():
        page.locator("main .at-hand .button.primary").click()
    sign_in_again(reader)
    expect(page.locator(".typed li")).to_have_count(2)
    expect(page.locator(".typed")).to_contain_text("2 cases cochées")
    page.get_by_role("button", name="Modifier d’abord").click()
    expect(page.locator(".ticks :checked")).to_have_count(2)
    page.locator("main .at-hand .button.primary").click()
    expect(page.locator("main .notice.success")).to_be_visible()
    expect(recorded(reader, school)).to_have_count(2)
