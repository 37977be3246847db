"""One story in a browser on the whole installation: every piece of a page comes from the process that owns it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.journeys.browser.conftest import SCREENSHOTS
from tests.journeys.browser.reader import Reader
from tests.journeys.people import PASSWORD, found
from tests.journeys.waiting import eventually
from tests.servers.stack import Stack


@pytest.fixture
def folder() -> Path:
    path = SCREENSHOTS / "installation"
    shutil.rmtree(path, ignore_errors=True)
    return path


def test_a_teacher_records_and_sees_the_planet_the_race_and_the_board(
    stack: Stack, chromium: Browser, folder: Path
) -> None:
    head = found(stack.url)
    league = head.create_league(head.open_edition(), name="CM2")
    head.add_players(league, "Lynx", "Loutre", "Hérisson")
    address = f"/leagues/{league['league_id']}"
    context = chromium.new_context(
        base_url=stack.url,
        viewport={"width": 390, "height": 844},
        locale="fr-FR",
        ignore_https_errors=True,  # the test's own certificate
        reduced_motion="reduce",
    )
    context.set_default_timeout(20_000)
    reader = Reader(context, folder, 0)
    page = reader.page
    reader.sign_in(head.email, PASSWORD)
    reader.goto(f"{address}/record")
    page.locator(".ticks [type=checkbox]").first.check()
    page.locator("main form .button.primary").click()
    expect(page.locator("main .recorded > li")).to_have_count(1)
    reader.shot("recorded")

    def is_on_the_board() -> bool:
        reader.goto(f"/ranking{address}/players")
        return page.locator(".board .bar").count() == 3 and "+" not in page.inner_text(".board")

    eventually(is_on_the_board, 30)
    reader.shot("board")
    reader.goto(address)
    expect(page.locator(".planet-place .planet")).to_be_visible()
    expect(page.locator(".race li")).to_have_count(2)
    page.locator("button.reaction.love").first.click()
    expect(page.locator("button.reaction.love").first).to_have_attribute("aria-pressed", "true")
    reader.shot("league")
    context.close()
