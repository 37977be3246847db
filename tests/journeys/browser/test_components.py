"""The components that need a browser to be seen: a question over the page, confetti, a chart."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.journeys.browser.reader import Reader


def test_a_question_opens_over_the_page_and_gives_the_focus_back(open_reader: Callable[..., Reader]) -> None:
    reader = open_reader()
    reader.goto("/ui")
    question, dialog = reader.page.locator(".dialog > summary").first, reader.page.locator(".dialog dialog").first
    for close in (
        lambda: reader.page.keyboard.press("Escape"),
        lambda: dialog.locator("[data-close]").click(),
        lambda: reader.page.mouse.click(5, 5),
    ):
        question.press("Enter")
        expect(dialog).to_be_visible()
        assert dialog.evaluate("dialog => dialog.matches(':modal')")
        close()
        expect(dialog).to_be_hidden()
        expect(question).to_be_focused()


def test_without_javascript_a_question_opens_in_its_place(open_reader: Callable[..., Reader]) -> None:
    reader = open_reader(script=False)
    reader.goto("/ui")
    reader.page.locator(".dialog > summary").first.click()
    expect(reader.page.locator(".dialog dialog").first).to_be_visible()


def test_confetti_falls_only_where_motion_is_wanted_and_goes_away(open_reader: Callable[..., Reader]) -> None:
    reader = open_reader()
    reader.goto("/ui")
    expect(reader.page.locator(".confetti")).to_be_hidden()
    reader.page.emulate_media(reduced_motion="no-preference")
    expect(reader.page.locator(".confetti")).to_be_visible()
    expect(reader.page.locator(".confetti")).to_be_hidden()


@pytest.mark.parametrize(("scheme", "leaf"), [("light", "#1f7a4d"), ("dark", "#7ed69a")])
def test_a_chart_has_the_letters_and_the_colours_of_the_page(
    open_reader: Callable[..., Reader], scheme: str, leaf: str
) -> None:
    reader = open_reader(scheme=scheme)
    reader.sign_in("rh@atelier-vert.example")
    reader.goto("/ranking/overview")
    reader.page.wait_for_function("Object.keys(Chart.instances).length === 1")
    assert reader.page.evaluate("Chart.defaults.font.family").startswith('"Text"')
    assert reader.page.evaluate("Object.values(Chart.instances)[0].data.datasets[0].backgroundColor") == leaf


@pytest.mark.parametrize("width", [390, 320])
def test_a_phone_shows_who_has_not_begun_beside_the_longest_name(
    open_reader: Callable[..., Reader], width: int
) -> None:
    reader = open_reader("phone", "fr", service_worker=False)
    reader.page.set_viewport_size({"width": width, "height": 844})
    reader.sign_in("rh@atelier-vert.example")
    reader.goto("/ranking/overview")
    reader.page.locator("#participation th[scope=row] a").first.evaluate(
        "link => { link.textContent = 'Développementdurable'.repeat(4) }"
    )
    box = reader.page.locator(".table-scroll").bounding_box()
    assert box is not None
    for cell in ("th:nth-child(2)", "th:nth-child(3)", "td:nth-child(3)"):
        place = reader.page.locator(f"#participation {cell}").first.bounding_box()
        assert place is not None
        assert place["x"] + place["width"] <= box["x"] + box["width"], f"{cell} is outside the box"
