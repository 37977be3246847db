"""Every page, for everybody who may open it: nothing for axe to find, no sideways scroll, no complaint.

A reader follows each link from where they begin; of addresses that differ by their ids or words alone, one is opened.
Each page is looked at on a phone and on a desktop, in the light and in the dark, and measured on the smallest screens.
TEST_EVERY_LOOK=1 looks at all eight of language, width and scheme, instead of at four.
Every kind of reader does that in French and in English: in the demo, in a tenant that is full of the strangest names,
in one where nothing is yet, and on a platform without anything. The pages come from the server alone: the journeys and
test_offline.py have the service worker.
"""

from __future__ import annotations

import html
import os
import re
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import urljoin, urlsplit

import pytest

from services.demo import DEMO_PASSWORD
from tests.house import House
from tests.journeys.browser.crowd import Crowd, gather
from tests.journeys.browser.reader import ABOUT_COLOURS, Reader
from tests.journeys.people import PASSWORD
from tests.journeys.process import ROOT, Services, start_services
from tests.rules.test_routes import pages

LINK = re.compile(r'(?:<a [^>]*?href|hx-get)="([^"]+)"')
LINKS = "a[href^='/'], a[href^='?']"
NOT_PAGES = re.compile(r"/(docs|openapi\.json|manifest\.webmanifest)|\.csv|^/(static|service-worker)")
WAYS_IN = re.compile(r"^/(legal|found|players|reset|sign-in|ui)\b")
FOR_VISITORS = re.compile(WAYS_IN.pattern + r"|^/(\?|$)")
"""What looks the same whoever reads it, but for the frame."""
WITHOUT_TENANT = re.compile(FOR_VISITORS.pattern + r"|^/challenges/")
"""What looks the same whatever the tenant holds."""
WIDTHS = (320, 640)
"""The smallest phone, which is a desktop at 400 % too; a desktop at 200 %."""
LANGUAGES = [pytest.param(code, marks=pytest.mark.xdist_group(f"pages-{code}")) for code in ("fr", "en")]
"""Each is read by one process, so that two processes share the work and each knows what it has looked at."""
VISITOR, OPERATOR = "visitor", "operateur@demo.example"
PLAIN = {"player": "nadia@atelier-vert.example", "leading player": "zoe@grand-public.example"}
DEMO = {
    VISITOR: "",
    **PLAIN,
    "teacher": "prof@lilas.example",
    "head": "direction@lilas.example",
    "HR": "rh@atelier-vert.example",
    "operator": OPERATOR,
}
OPEN_TO_VISITORS = ("/", "/ui", "/offline", "/nowhere", "/leagues/join/AAAAAAAA")
FOUND_ELSEWHERE = {
    "/identity/continue": "leads on at once",
    "/leagues/challenges": "leads on at once",
    "/identity/invitations/<token>": "found in a mail: test_accounts.py",
    "/identity/password-resets/<token>": "found in a mail: test_accounts.py",
    "/leagues/<id:league_id>/done/<id:completion_id>": "comes after a form: test_playing.py",
    "/leagues/<id:league_id>/recorded/<id:form_id>": "comes after a form: test_playing.py",
    "/manifest.webmanifest": "no page",
    "/ranking/overview.csv": "no page: a file to take along",
    "/service-worker.js": "no page",
    "/static/<asked>/<path:name>": "no page",
}

LOOKS = {"fr": [(390, "light"), (1280, "dark")], "en": [(390, "dark"), (1280, "light")]}
"""A width and a scheme: every two of language, width and scheme meet; in eight looks all three of them would."""
if os.environ.get("TEST_EVERY_LOOK"):
    LOOKS = {code: [(width, scheme) for width in (390, 1280) for scheme in ("light", "dark")] for code in LOOKS}

_looked: set[tuple[str, bytes]] = set()
"""The frames and main parts of pages in which nothing was wrong: with other words nothing is wrong in them either."""


@pytest.fixture(scope="session")
def empty_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """The four services, and in them nobody but an operator."""
    services = start_services(tmp_path_factory.mktemp("empty") / "data")
    services.command("identity", "create-operator", "--email", OPERATOR, "--password-stdin", input=DEMO_PASSWORD)
    yield services
    services.stop()


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
    starts: Iterable[str], links_of: Callable[[str], list[str]], leaves_out: re.Pattern[str] = NOT_PAGES
) -> Iterator[str]:
    """Every address that links lead to, one of a kind, from `starts` on. `links_of` opens one."""
    waiting, followed = list(starts), set()
    while waiting:
        address = waiting.pop(0)
        kind = kind_of(address)
        if kind in followed or NOT_PAGES.search(address) or leaves_out.search(address):
            continue
        followed.add(kind)
        waiting += links_of(address)
        yield address


def found_by(reader: Reader, starts: Iterable[str]) -> set[str]:
    """Which addresses links lead this reader to, without opening them in the browser."""
    opened = set()

    def links_of(address: str) -> list[str]:
        answer = reader.context.request.get(address)
        path = urlsplit(answer.url).path
        if path == urlsplit(address).path and answer.ok:
            opened.add(kind_of(path).removesuffix("?"))
        links = [urljoin(path, html.unescape(link)) for link in LINK.findall(answer.text())]
        return [urlsplit(link)._replace(fragment="").geturl() for link in links if link.startswith("/")]

    list(walk(starts, links_of))
    return opened


def look(reader: Reader) -> None:
    """On the smallest screen; then, unless it is built like one that was looked at, at every width, and by axe in the
    LOOKS of the reader's language.
    """
    _set_width(reader, WIDTHS[0])
    reader.check_width()
    assert not reader.complaints, f"{reader.page.url}: {reader.complaints}"
    built = reader.built()
    if built <= _looked:
        return
    _set_width(reader, WIDTHS[1])
    reader.check_width()
    for width, scheme in LOOKS[reader.language]:
        _set_width(reader, width)
        reader.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        reader.check(ABOUT_COLOURS if scheme == "dark" else ())
    _looked.update(built)


def _set_width(reader: Reader, width: int) -> None:
    reader.page.set_viewport_size({"width": width, "height": 844})


def problems_on(reader: Reader, starts: Iterable[str], leaves_out: re.Pattern[str] = NOT_PAGES) -> list[str]:
    """What is wrong with the pages the reader finds, all of them."""
    problems = []

    def links_of(address: str) -> list[str]:
        reader.goto(address)
        try:
            look(reader)
        except AssertionError as problem:
            problems.append(str(problem))
        reader.complaints.clear()
        links: list[str] = reader.page.eval_on_selector_all(LINKS, "found => found.map(link => link.href)")
        return [urlsplit(link)._replace(scheme="", netloc="", fragment="").geturl() for link in links]

    looked = list(walk(starts, links_of, leaves_out))
    assert len(looked) > 3, f"{looked} is not all that there is"
    return problems


def is_among(paths: set[str], rule: str) -> bool:
    pattern = re.sub(r"<id:\w+>", "<id>", re.sub(r"<(?!id:)[^>]+>", "[^/]+", rule)) if "<" in rule else re.escape(rule)
    return any(re.fullmatch(pattern, path) for path in paths)


def begin(reader: Reader) -> str:
    """Where somebody who has signed in is led."""
    return urlsplit(reader.page.url).path


def test_links_lead_to_every_page(open_reader: Callable[..., Reader], house: House) -> None:
    paths = found_by(open_reader(service_worker=False), OPEN_TO_VISITORS)
    for email in filter(None, DEMO.values()):
        reader = open_reader(service_worker=False)
        reader.sign_in(email)
        paths |= found_by(reader, [begin(reader)])
    missed = {
        rule.rule
        for _service, rule, _view in pages(house)
        if "GET" in rule.methods and "/fragments/" not in rule.rule and not is_among(paths, rule.rule)
    }
    assert missed == FOUND_ELSEWHERE.keys()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("who", DEMO)
def test_every_page_is_well(open_reader: Callable[..., Reader], who: str, language: str) -> None:
    reader = open_reader("phone", language, service_worker=False)
    if who == VISITOR:
        problems = problems_on(reader, OPEN_TO_VISITORS)
    else:
        reader.sign_in(DEMO[who])
        problems = problems_on(reader, [begin(reader)], FOR_VISITORS)
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("who", ["full head", "full teacher", "full player", "empty head", "empty teacher", "alone"])
def test_full_and_empty_pages_are_well_with_the_strangest_names(
    open_reader: Callable[..., Reader], crowd: Crowd, who: str, language: str
) -> None:
    reader = open_reader("phone", language, service_worker=False)
    reader.sign_in(crowd.people[who].email, PASSWORD)
    starts = [begin(reader), "/ranking/", "/leagues/open", "/leagues/join"]
    if not who.endswith(("player", "alone")):
        starts += ["/ranking/overview"]
    if who.endswith("head"):
        starts += ["/identity/people"]
    if who.startswith("full"):
        starts += [f"/leagues/{crowd.league}"]
    if who == "full head":
        starts += ["/identity/people?page=67"]
    problems = problems_on(reader, starts, WITHOUT_TENANT)
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("who", [VISITOR, "operator"])
def test_the_longest_lists_of_the_platform_are_well(
    open_reader: Callable[..., Reader], crowd: Crowd, who: str, language: str
) -> None:
    reader = open_reader("phone", language, service_worker=False)
    board = f"/ranking/editions/{crowd.board}"
    if who == VISITOR:
        problems = problems_on(reader, ["/ranking/", f"{board}/leagues", f"{board}/leagues?page=67"], WITHOUT_TENANT)
    else:
        reader.sign_in(OPERATOR)
        problems = problems_on(reader, ["/identity/platform"], WITHOUT_TENANT)
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("who", [VISITOR, "operator"])
def test_a_platform_without_anything_is_well(
    open_reader: Callable[..., Reader], empty_site: Services, who: str, language: str
) -> None:
    reader = open_reader("phone", language, service_worker=False, at=empty_site.url)
    if who == VISITOR:
        problems = problems_on(reader, ["/", "/ranking/", "/challenges/"], WAYS_IN)
    else:
        reader.sign_in(OPERATOR)
        problems = problems_on(reader, ["/identity/platform"], WITHOUT_TENANT)
    assert not problems, "\n".join(problems)


def test_the_dark_changes_colours_alone() -> None:
    """So that axe may look in the dark for what it says of colours, and for nothing else."""
    declared = []
    for sheet in (ROOT / "shared/ui/static").glob("*.css"):
        text = re.sub(r"/\*.*?\*/", "", sheet.read_text(), flags=re.DOTALL)
        for start in re.finditer(r"@media \(prefers-color-scheme: \w+\) \{", text):
            declared += re.findall(r"[\w-]+\s*:\s*([^;{}]+)", inside(text, start.end()))
    assert len(declared) > 10
    assert [value for value in declared if not re.fullmatch("#[0-9a-f]{6}", value)] == []


def inside(text: str, start: int) -> str:
    """What stands between braces, the first of which ends where `start` is."""
    depth = 1
    for at in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if not depth:
            return text[start:at]
    raise AssertionError("braces without an end")
