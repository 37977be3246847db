"""Every page, for everybody who may open it: nothing for axe to find, no sideways scroll, no complaint.

A reader follows each link from where they begin; of addresses that differ by their ids or words alone, one is opened.
The demo is read in French, the full and the empty tenant in English; TEST_EVERY_LANGUAGE=1 reads all in both, which
takes five minutes more.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from services.demo import DEMO_PASSWORD
from tests.house import House
from tests.journeys.browser.crowd import Crowd, gather
from tests.journeys.browser.reader import Reader
from tests.journeys.people import PASSWORD
from tests.journeys.process import Services
from tests.rules.test_routes import pages

LINKS = "a[href^='/'], a[href^='?']"
NOT_PAGES = re.compile(r"/(docs|openapi\.json|manifest\.webmanifest)|^/(static|service-worker)")
WITHOUT_TENANT = re.compile(r"/(legal|found|challenges|players|reset|sign-in|ui)\b")
"""What looks the same whatever the tenant holds."""
WIDTHS = (320, 640)
"""The smallest phone, which is a desktop at 400 % too; a desktop at 200 %."""
EVERY_LANGUAGE = ["fr", "en"] if os.environ.get("TEST_EVERY_LANGUAGE") else []
LOOKS = {"fr": ((390, "light"), (1280, "dark")), "en": ((390, "dark"), (1280, "light"))}
"""What axe looks at: each size in each scheme, each of them in each language. All eight would take twice as long."""
DEMO = (
    "zoe@grand-public.example",
    "prof@lilas.example",
    "direction@lilas.example",
    "rh@atelier-vert.example",
    "operateur@demo.example",
)
FOUND_ELSEWHERE = {
    "/identity/continue": "leads on at once",
    "/identity/invitations/<token>": "found in a mail: test_accounts.py",
    "/identity/password-resets/<token>": "found in a mail: test_accounts.py",
    "/leagues/<id:league_id>/done/<id:completion_id>": "comes after a form: test_playing.py",
    "/ranking/counters": "a piece of the home page",
    "/manifest.webmanifest": "no page",
    "/service-worker.js": "no page",
    "/static/<asked>/<path:name>": "no page",
}


@pytest.fixture(scope="session")
def crowd(site: Services) -> Crowd:
    return gather(site)


def kind_of(address: str) -> str:
    """An address without what differs from one thing to another."""
    parts = urlsplit(address)
    path = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "<id>", parts.path)
    path = re.sub(r"/join/[A-Z0-9]{8}$", "/join/<code>", path)
    return path + "?" + "&".join(sorted(re.findall(r"(\w+)=[^&]", parts.query)))


def walk(
    reader: Reader, starts: Iterable[str], opened: set[str], leaves_out: re.Pattern[str] = NOT_PAGES
) -> Iterator[str]:
    """Every address the reader finds that nobody has opened, from `starts` on; its page is open when it is handed out.

    Where an address leads elsewhere (to sign in, say), another reader may still open it.
    """
    waiting, followed = list(starts), set()
    while waiting:
        address = waiting.pop(0)
        kind = kind_of(address)
        if kind in followed or NOT_PAGES.search(address) or leaves_out.search(address):
            continue
        followed.add(kind)
        reader.page.goto(address)
        expect(reader.page.locator(".htmx-request")).to_have_count(0)
        if kind not in opened and urlsplit(reader.page.url).path == urlsplit(address).path:
            opened.add(kind)
            yield address
        links: list[str] = reader.page.eval_on_selector_all(LINKS, "found => found.map(link => link.href)")
        waiting += [urlsplit(link)._replace(scheme="", netloc="", fragment="").geturl() for link in links]


def look(reader: Reader) -> None:
    """At every width; axe on a phone and on a desktop, in the light and in the dark."""
    for width in WIDTHS:
        reader.page.set_viewport_size({"width": width, "height": 844})
        reader.check_width()
    for width, scheme in LOOKS[str(reader.page.get_attribute("html", "lang"))]:
        reader.page.set_viewport_size({"width": width, "height": 844})
        reader.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        reader.check()


def problems_on(
    reader: Reader, starts: Iterable[str], opened: set[str], leaves_out: re.Pattern[str] = NOT_PAGES
) -> list[str]:
    """What is wrong with the pages the reader finds, all of them."""
    problems = []
    for _address in walk(reader, starts, opened, leaves_out):
        try:
            look(reader)
        except AssertionError as problem:
            problems.append(str(problem))
        reader.complaints.clear()
    return problems


def begin(reader: Reader) -> str:
    """Where somebody who has signed in is led."""
    return urlsplit(reader.page.url).path


@pytest.mark.parametrize("language", EVERY_LANGUAGE or ["fr"])
def test_every_page_is_well_and_can_be_found(
    open_reader: Callable[..., Reader], house: House, language: str, site: Services
) -> None:
    opened: set[str] = set()
    visitor = open_reader("phone", language)
    problems = problems_on(visitor, ["/", "/ui", "/offline", "/nowhere", "/leagues/join/AAAAAAAA"], opened)
    for email in DEMO:
        reader = open_reader("phone", language)
        reader.sign_in(email, DEMO_PASSWORD)
        problems += problems_on(reader, [begin(reader)], opened)
    assert not problems, "\n".join(problems)
    paths = {kind.partition("?")[0] for kind in opened}
    missed = {
        rule.rule
        for _service, rule, _view in pages(house)
        if "GET" in rule.methods and "/fragments/" not in rule.rule and not _is_among(paths, rule.rule)
    }
    print(sorted(missed))
    assert missed == FOUND_ELSEWHERE.keys()


def _is_among(paths: set[str], rule: str) -> bool:
    pattern = re.sub(r"<id:\w+>", "<id>", re.sub(r"<(?!id:)[^>]+>", "[^/]+", rule)) if "<" in rule else re.escape(rule)
    return any(re.fullmatch(pattern, path) for path in paths)


@pytest.mark.parametrize("language", EVERY_LANGUAGE or ["en"])
@pytest.mark.parametrize("who", ["full", "empty", "alone"])
def test_full_and_empty_pages_are_well_with_the_strangest_names(
    open_reader: Callable[..., Reader], crowd: Crowd, who: str, language: str
) -> None:
    reader = open_reader("phone", language)
    reader.sign_in(getattr(crowd, who).email, PASSWORD)
    starts = [begin(reader), "/ranking/", "/ranking/overview", "/identity/people", "/leagues/open", "/leagues/join"]
    if who == "full":
        starts += [f"/leagues/{crowd.league}", f"/ranking/editions/{crowd.board}/leagues", "/identity/people?page=67"]
    problems = problems_on(reader, starts, set(), leaves_out=WITHOUT_TENANT)
    assert not problems, "\n".join(problems)
