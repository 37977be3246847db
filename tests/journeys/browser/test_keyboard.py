"""The keyboard alone: what a finger can do, it can do too, and one always sees where one is."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from tests.journeys.browser.reader import Reader

PLAYER, HEAD = "zoe@grand-public.example", "direction@lilas.example"
LEAGUE = re.compile(r"/leagues/[0-9a-f-]{36}$")
IS_SEEN = """() => {
  const focused = document.activeElement, shown = focused.labels?.[0] ?? focused;
  const style = [focused, shown, focused.parentElement].map((one) => getComputedStyle(one));
  return style.some((one) => one.outlineStyle !== "none" || one.boxShadow !== "none");
}"""


def tab_to(reader: Reader, wanted: Locator, most: int = 150) -> None:
    """Presses Tab until this one has the focus."""
    keyboard = reader.page.keyboard
    for _ in range(most):
        keyboard.press("Tab")
        if wanted.evaluate("one => one === document.activeElement"):
            assert reader.page.evaluate(IS_SEEN), f"nobody sees that {wanted} has the focus"
            return
    raise AssertionError(f"{most} times Tab, and {wanted} was not reached")


def test_a_player_records_takes_back_and_reacts(open_reader: Callable[..., Reader]) -> None:
    reader = open_reader("desktop")
    page = reader.page
    reader.sign_in(PLAYER)
    tab_to(reader, page.locator(".door a").first)
    page.keyboard.press("Enter")
    page.wait_for_url(LEAGUE)
    league = page.url
    tab_to(reader, page.locator(".challenge a").first)
    page.keyboard.press("Enter")
    page.wait_for_url("**/record/**")
    tab_to(reader, page.locator("main form button.primary"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/done/**")
    tab_to(reader, page.locator("form[action$=withdraw] button"))
    page.keyboard.press("Enter")
    expect(page.locator(".said")).to_be_visible()
    reader.goto(league)
    first = page.locator("button.reaction.bravo").first
    tab_to(reader, first)
    for pressed in ("true", "false"):
        page.keyboard.press("Space")
        expect(first).to_have_attribute("aria-pressed", pressed)
        expect(first).to_be_focused()


def test_a_teacher_ticks_the_grid_and_turns_its_pages(open_reader: Callable[..., Reader]) -> None:
    reader = open_reader("desktop", "en")
    page = reader.page
    reader.sign_in(HEAD)
    page.locator(".door a").first.click()
    page.wait_for_url(LEAGUE)
    reader.goto(f"{page.url}/record")
    reader.shot("grid")
    tab_to(reader, page.locator(".ticks [type=checkbox]").first)
    page.keyboard.press("Space")
    expect(page.locator("[data-count-ticks]")).to_have_text("one cell ticked")
    sheet = page.locator(".tabs button[value=malus]")
    sheet.focus()
    page.keyboard.press("Enter")
    expect(page.locator("main .notice.info")).to_be_visible()
    chosen = page.locator(".ticks select").first
    tab_to(reader, chosen)
    page.keyboard.press("ArrowDown")
    expect(page.locator("[data-count-ticks]")).to_have_text("2 cells ticked")
    reader.shot("malus")
    tab_to(reader, page.locator("main form .button.primary"), most=400)
    page.keyboard.press("Enter")
    expect(page.locator("main .recorded > li")).to_have_count(2)
    reader.shot("recorded")


IS_COVERED = """() => {
  const focused = document.activeElement, shown = focused.labels?.[0] ?? focused;
  if (focused === document.body) return null;
  const { left, top, right, bottom, width, height } = shown.getBoundingClientRect();
  const hits = (hit) => hit && (shown.contains(hit) || hit.contains(shown));
  const across = [left + 3, (left + right) / 2, right - 3], down = [top + 3, (top + bottom) / 2, bottom - 3];
  const is_seen = across.some((x) => down.some((y) => hits(document.elementFromPoint(x, y))));
  return is_seen || !width || !height ? "" : shown.outerHTML.slice(0, 120);
}"""
"""What has the focus, where all of it is under something else (WCAG 2.4.11)."""


@pytest.mark.parametrize("size", [(390, 700), (640, 450)], ids=["phone", "zoomed"])
def test_nothing_that_has_the_focus_is_under_the_bars(
    open_reader: Callable[..., Reader], size: tuple[int, int]
) -> None:
    reader = open_reader("phone", service_worker=False)
    page = reader.page
    page.set_viewport_size({"width": size[0], "height": size[1]})
    reader.sign_in(HEAD)
    page.locator(".door a").first.click()
    page.wait_for_url(LEAGUE)
    league, covered = page.url, []
    for path in (
        f"{league}/teams",
        f"{league}/record",
        f"{league}/settings",
        "/identity/people/invite",
        "/identity/me",
    ):
        reader.goto(path)
        for _ in range(60):
            page.keyboard.press("Tab")
            found = page.evaluate(IS_COVERED)
            if found is None:
                break
            if found:
                covered.append(f"{path}: {found}")
    assert not covered, "\n".join(covered)
