"""Without network, in a browser: what is recorded is kept, sent as who recorded it, and what became of it is told."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.journeys.browser.reader import Reader
from tests.journeys.waiting import eventually

PASSWORD = "trois renards au marché"
LEAGUE = re.compile(r"/leagues/[0-9a-f-]{36}$")
TEACHER, LEADER = "prof@lilas.example", "zoe@grand-public.example"
SENT = re.compile("Envoyé :|^Sent:")
NOT_SENT_YET = re.compile("pas encore envoyé|not sent yet")
NOT_RECORDED = re.compile("mais pas noté|but not recorded")
COUNTS = re.compile("compte|counts")
DONE = "section[aria-labelledby=done] li"
BOTH = pytest.mark.parametrize("reader", ["fr-phone", "en-desktop"], indirect=True)
TAP = "main form button.primary"


class Player:
    """Somebody who plays in a league of the community."""

    def __init__(self, code: str) -> None:
        self.code, self.name, self.email = code, f"Loutre {uuid4().hex[:8]}", f"{uuid4().hex[:12]}@example.org"
        self.league = ""

    def join(self, reader: Reader) -> None:
        page = reader.page
        reader.goto(f"/leagues/join/{self.code}")
        page.locator("a[href^='/players/new']").click()
        page.fill("[name=display_name]", self.name)
        page.fill("[name=email]", self.email)
        page.fill("[name=password]", PASSWORD)
        page.locator("main button").click()
        page.wait_for_url("**/leagues/join/**")
        page.fill("[name=display_name]", self.name)
        page.locator("main button").click()
        page.wait_for_url(LEAGUE)
        page.wait_for_load_state("networkidle")
        self.league = page.url

    def done(self, page: Page) -> Locator:
        """What they did, on the page of their league."""
        page.goto(self.league, wait_until="networkidle")
        return page.locator(DONE)


@pytest.fixture
def reader(request: pytest.FixtureRequest, open_reader: Callable[..., Reader]) -> Reader:
    """What waits on a device does not depend on its size: where BOTH do not read it, somebody French with a phone."""
    language, _, size = str(getattr(request, "param", "fr-phone")).partition("-")
    return open_reader(size, language)


@pytest.fixture
def code(open_reader: Callable[..., Reader]) -> str:
    leader = open_reader()
    leader.sign_in(LEADER)
    leader.page.locator(".door a").first.click()
    leader.page.locator("a[href$=invite]").click()
    return leader.page.locator("#code").inner_text().replace(" ", "")


def ready(page: Page) -> None:
    """The service worker is there and sees what the page sends."""
    page.wait_for_function("navigator.serviceWorker.controller !== null")


def challenges(page: Page, league: str) -> list[str]:
    """Challenges that one tap records, of one player."""
    page.goto(f"{league}/challenges", wait_until="networkidle")
    found = page.locator(".challenge", has_not=page.locator(".points", has_text="…"))
    found = found.filter(has_not=page.locator(".tag", has_text=re.compile("équipe|team")))
    return [str(link.get_attribute("href")) for link in found.locator("a").all()[:2]]


def tap(reader: Reader, address: str) -> str:
    """Opens a challenge, loses the network and records it; its title."""
    page = reader.page
    reader.goto(address)
    title = page.locator("h1").inner_text()
    cut(reader)
    page.locator(TAP).click()
    page.wait_for_url("**/offline?kept=1")
    expect(page.locator("[data-kept]")).to_contain_text(title)
    return title


def cut(reader: Reader) -> None:
    ready(reader.page)
    reader.context.set_offline(True)
    expect(reader.page.locator("[data-says=kept]")).to_be_visible()


def end_session(reader: Reader) -> None:
    for name in ("mpp_access", "mpp_refresh"):
        reader.context.clear_cookies(name=name)


def kept(page: Page) -> list[dict[str, Any]]:
    """What the device has."""
    found: list[dict[str, Any]] = page.evaluate("keptStore.all()")
    return found


def sign_out(reader: Reader) -> None:
    reader.goto("/identity/me")
    reader.page.locator("form[action='/sign-out'] button").click()
    reader.page.wait_for_url("**/")


@BOTH
def test_a_tap_without_network_is_kept_sent_once_and_told(reader: Reader, code: str) -> None:
    player, page = Player(code), reader.page
    player.join(reader)
    address = challenges(page, player.league)[0]
    # The next page hears nothing of the line that comes back: what waits is tried again all the same.
    reader.context.add_init_script("addEventListener('online', (event) => event.stopImmediatePropagation())")
    title = tap(reader, address)
    expect(page.locator("[data-kept-lead]")).to_be_visible()
    expect(page.locator("[data-kept]")).to_contain_text(NOT_SENT_YET)
    page.screenshot(path=reader.folder / "offline.png")
    reader.context.set_offline(False)
    page.wait_for_url(LEAGUE)
    said = page.locator("[data-kept] .notice.success")
    expect(said).to_contain_text(SENT)
    expect(said).to_contain_text(title)
    page.wait_for_load_state("networkidle")
    reader.shot("sent")
    assert player.done(page).count() == 1
    page.goto(f"{player.league}/history", wait_until="networkidle")
    assert page.locator("main .rows > li", has_text=player.name).count() == 1, "and it counts once"
    eventually(lambda: all(entry.get("isSeen") for entry in kept(page)))
    page.reload(wait_until="networkidle")
    assert kept(page) == [], "it is told once"


def test_a_session_that_ended_meanwhile_loses_no_tap(reader: Reader, code: str) -> None:
    player, page = Player(code), reader.page
    player.join(reader)
    title = tap(reader, challenges(page, player.league)[0])
    end_session(reader)
    reader.context.set_offline(False)
    sign_in = page.locator("[data-kept] a[href='/sign-in']")
    expect(sign_in).to_be_visible()
    expect(page.locator("[data-kept]")).not_to_contain_text(title)
    expect(page.locator("[data-kept-lead]")).to_be_hidden()
    reader.shot("sign-in-first")
    assert [entry["state"] for entry in kept(page)] == ["waiting"]
    reader.sign_in(player.email, PASSWORD)
    expect(page.locator("[data-kept] .notice.success")).to_contain_text(title)
    expect(player.done(page)).to_have_count(1)


def test_what_one_account_recorded_is_never_sent_as_another(reader: Reader, code: str) -> None:
    page, first, second = reader.page, Player(code), Player(code)
    first.join(reader)
    addresses = challenges(page, first.league)[:2]
    title = tap(reader, addresses[0])
    end_session(reader)
    reader.context.clear_cookies(name="mpp_csrf")
    reader.page.goto("about:blank")
    reader.context.set_offline(False)
    second.join(reader)
    others = page.locator("[data-kept]")
    expect(others).to_contain_text(re.compile("autre personne|Somebody else"))
    expect(others).not_to_contain_text(title)
    reader.shot("others")
    tapped = tap(reader, addresses[1])
    expect(others).not_to_contain_text(title)
    reader.context.set_offline(False)
    page.wait_for_url(LEAGUE)
    expect(page.locator("[data-kept] .notice.success")).to_contain_text(tapped)
    reader.shot("own-sent-others-kept")
    waits = [entry for entry in kept(page) if entry["state"] == "waiting"]
    assert [entry["act"].startswith(title) for entry in waits] == [True], "and what is the other's is still here"
    expect(second.done(page)).to_have_count(1)
    sign_out(reader)
    expect(page.locator("[data-kept] a[href='/sign-in']")).to_be_visible()
    reader.sign_in(first.email, PASSWORD)
    expect(page.locator("[data-kept] .notice.success")).to_contain_text(title)
    expect(first.done(page)).to_have_count(1)


@BOTH
def test_a_refusal_is_told_until_it_was_read_beside_what_was_sent(
    reader: Reader, code: str, open_reader: Callable[..., Reader]
) -> None:
    player, page = Player(code), reader.page
    player.join(reader)
    used, free = challenges(page, player.league)[:2]
    reader.goto(used)
    other = page.context.new_page()  # a page each, opened while there is a line
    other.goto(free, wait_until="networkidle")
    cut(reader)
    title = page.locator("h1").inner_text()
    page.locator(TAP).click()
    page.wait_for_url("**/offline?kept=1")
    other_title = other.locator("h1").inner_text()
    other.locator(TAP).click()
    other.wait_for_url("**/offline?kept=1")
    assert len(kept(other)) == 2
    other.close()
    elsewhere = open_reader("desktop", "en")
    elsewhere.sign_in(player.email, PASSWORD)
    while True:
        elsewhere.goto(used)
        if (
            not elsewhere.page.locator(f"{TAP}:not(details[open] ~ *)").count()
            or elsewhere.page.locator("main details[open]").count()
        ):
            break
        elsewhere.page.locator(TAP).click()
        elsewhere.page.wait_for_url("**/done/**")
    before = player.done(elsewhere.page).count()
    reader.context.set_offline(False)
    page.wait_for_url(LEAGUE)
    refused = page.locator("[data-kept] .notice.warning")
    expect(refused).to_contain_text(NOT_RECORDED)
    expect(refused).to_contain_text(title)
    expect(refused).to_contain_text(COUNTS)
    expect(page.locator("[data-kept] .notice.success")).to_contain_text(other_title)
    page.wait_for_load_state("networkidle")
    reader.shot("refused")
    reader.goto("/ranking/")
    expect(refused).to_contain_text(title)
    expect(player.done(page)).to_have_count(before + 1)
    refused.locator("[data-dismiss]").click()
    expect(refused).to_have_count(0)
    page.reload(wait_until="networkidle")
    expect(refused).to_have_count(0)


def test_a_server_that_is_busy_loses_no_tap(open_reader: Callable[..., Reader], code: str) -> None:
    reader, player = open_reader(), Player(code)
    page = reader.page
    player.join(reader)
    title = tap(reader, challenges(page, player.league)[0])
    answers = [503, 429, 502]
    asked: list[int] = []

    def busy(route: Route) -> None:
        if route.request.method != "POST" or not answers:
            return route.fallback()
        asked.append(answers.pop(0))
        return route.fulfill(status=asked[-1], body="later")

    reader.context.route("**/record/**", busy)
    reader.context.set_offline(False)
    page.wait_for_url(LEAGUE, timeout=40_000)
    assert asked == [503, 429, 502]
    expect(page.locator("[data-kept] .notice.success")).to_contain_text(title)
    expect(player.done(page)).to_have_count(1)


def test_a_page_that_could_not_be_loaded_comes_by_itself_in_the_readers_language(
    open_reader: Callable[..., Reader], code: str
) -> None:
    reader, player = open_reader("phone", "fr"), Player(code)
    page = reader.page
    player.join(reader)
    ready(page)
    page.locator(".language-switch [value=en]").click()
    page.wait_for_function("document.documentElement.lang === 'en'")
    frame = "caches.match('/offline', { ignoreVary: true }).then((kept) => kept.text())"
    eventually(lambda: '<html lang="en"' in page.evaluate(frame))
    reader.context.set_offline(True)
    page.goto(f"{player.league}/history")
    expect(page.get_by_role("heading", name="No network", exact=True)).to_be_visible()
    reader.context.set_offline(False)
    expect(page.locator("[data-offline]")).to_have_count(0)
    assert page.url == f"{player.league}/history"


# --- a class ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def school(reader: Reader) -> str:
    """A class of three pupils of its own; its address. The reader is the teacher."""
    return begin_class(reader)


def begin_class(reader: Reader) -> str:
    page = reader.page
    reader.sign_in(TEACHER)
    reader.goto("/leagues/new")
    page.fill("[name=name]", f"CM2 {uuid4().hex[:6]}")
    running = page.locator("[name=edition_id] option", has_text="démonstration").get_attribute("value")
    page.select_option("[name=edition_id]", running)  # another test may have published one
    page.locator(TAP).click()
    page.wait_for_url("**/invite")
    league = page.url.removesuffix("/invite")
    reader.goto(f"{league}/teams")
    page.fill("[name=names]", "Loup gris\nOurse\nLynx")
    page.locator("section[aria-labelledby=add-players] button").click()
    expect(page.locator("main .rows li strong")).to_have_count(3)
    return league


def recorded(reader: Reader, league: str) -> Locator:
    reader.goto(f"{league}/history?who=all")
    return reader.page.locator("main .rows > li")


def test_the_ticks_of_a_grid_are_kept_and_what_became_of_each_is_told(
    reader: Reader, school: str, open_reader: Callable[..., Reader]
) -> None:
    page = reader.page
    reader.goto(f"{school}/record")
    boxes = page.locator(".ticks [type=checkbox]")
    boxes.nth(0).check()
    boxes.nth(1).check()
    value = boxes.nth(0).get_attribute("value")
    cut(reader)
    # Another sheet cannot be shown: every tick stays, and the form can still be sent.
    page.locator(".tabs button").nth(1).click()
    expect(page.locator("[data-says=unsent]")).to_be_visible()
    expect(page.locator(".ticks :checked")).to_have_count(2)
    page.screenshot(path=reader.folder / "unsent.png")
    page.locator("main .at-hand .button.primary").click()
    page.wait_for_url("**/offline?kept=1")
    expect(page.locator("[data-kept]")).to_contain_text(re.compile("2 cases|2 cells"))
    elsewhere = open_reader("desktop", "en")
    elsewhere.sign_in(TEACHER)
    times = 0
    elsewhere.goto(f"{school}/record")
    while (box := elsewhere.page.locator(f".ticks [value='{value}']")).count():  # as often as it counts
        box.check()
        elsewhere.page.locator("main .at-hand .button.primary").click()
        expect(elsewhere.page.locator("main .notice.success")).to_be_visible()
        elsewhere.goto(f"{school}/record")
        times += 1
    reader.context.set_offline(False)
    page.wait_for_url("**/leagues/")
    told = page.locator("[data-kept] .notice.warning")
    expect(told).to_contain_text(re.compile("tout n’a pas été noté|not all of it"))
    expect(told.locator("li")).to_have_count(1)
    expect(told.locator("li")).to_contain_text(COUNTS)
    expect(told.locator("[data-told]")).to_contain_text("1")
    page.wait_for_load_state("networkidle")
    reader.shot("partly")
    expect(recorded(reader, school)).to_have_count(times + 1)
    expect(told).to_be_visible()


def test_the_ticks_for_a_class_are_kept_and_count_once(reader: Reader, school: str) -> None:
    page = reader.page
    reader.goto(challenges(page, school)[0])
    page.wait_for_url("**/record-for/**")
    title = page.locator("h1").inner_text()
    page.locator("[name=player_ids]").nth(0).check()
    page.locator("[name=player_ids]").nth(2).check()
    cut(reader)
    page.locator(TAP).click()
    page.wait_for_url("**/offline?kept=1")
    expect(page.locator("[data-kept]")).to_contain_text(title)
    # The answer is lost on its way: it was recorded, is sent again and counts once.
    lost: list[str] = []

    def lose(route: Route) -> None:
        if route.request.method != "POST" or lost:
            return route.fallback()
        lost.append(route.request.url)
        route.fetch()
        return route.abort("internetdisconnected")

    reader.context.route("**/record-for/**", lose)
    reader.context.set_offline(False)
    page.wait_for_url("**/leagues/")
    assert lost
    expect(page.locator("[data-kept] .notice.success")).to_contain_text(title)
    reader.shot("sent")
    expect(recorded(reader, school)).to_have_count(2)


# --- two accounts on one device ---------------------------------------------------------------------------------------


@BOTH
def test_a_form_of_another_account_says_who_is_here_and_keeps_what_was_typed(reader: Reader, code: str) -> None:
    first, second, page = Player(code), Player(code), reader.page
    first.join(reader)
    address = challenges(page, first.league)[0]
    reader.goto(address)
    page.locator("summary").first.click()
    page.fill("[name=note]", "Avec ma sœur")
    other = reader.tab()
    other.goto("/identity/me")
    other.locator("form[action='/sign-out'] button").click()
    other.wait_for_url("**/")
    page, reader.page = reader.page, other
    second.join(reader)
    reader.page = page
    page.locator(TAP).click()
    page.wait_for_load_state("networkidle")
    expect(page.locator("main [data-account]")).to_have_text(second.name)
    expect(page.get_by_role("link", name=re.compile("^(Retour|Back)$"))).to_have_attribute("href", address)
    reader.shot("another-account")
    page.get_by_role("button", name=re.compile("Changer de compte|Change account")).click()
    page.fill("[name=email]", first.email)
    page.fill("[name=password]", PASSWORD)
    reader.shot("change-account")
    page.locator("main button").click()
    expect(page.locator(".typed")).to_contain_text("Avec ma sœur")
    page.locator(TAP).click()
    page.wait_for_url("**/done/**")
    expect(first.done(page)).to_have_count(1)


def test_a_form_of_an_older_session_of_the_same_account_is_sent_with_one_more_tap(reader: Reader, code: str) -> None:
    player, page = Player(code), reader.page
    player.join(reader)
    reader.goto(challenges(page, player.league)[0])
    end_session(reader)
    other = reader.tab()
    page, reader.page = reader.page, other
    reader.sign_in(player.email, PASSWORD)
    reader.page = page
    page.locator(TAP).click()
    expect(page.locator("main [data-account]")).to_have_text(player.name)
    reader.shot("older-session")
    page.get_by_role("button", name=re.compile("Envoyer maintenant|Send it now")).click()
    page.wait_for_url("**/done/**")
    expect(player.done(page)).to_have_count(1)
