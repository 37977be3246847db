"""[page] The page of a board with the ledger full, beside a bare Jinja page. [page_ms] Its server time.

The same of other pages, with as many completions in leagues: [overview_page] an organiser's overview; [day_page]
[choose_page] [story_page] [record_page] a player's day, the challenges to choose from, the league's story, one
challenge; [start_page] [teams_page] [history_page] [grid_page] a teacher's leagues, and of one of them the teams,
everything recorded, and the grid. And of those in front of the game: [home_page] [catalogue_page]; [people_page] the
people of a tenant with 20,000 of them, [platform_page] an operator's 400 tenants.

[first_page_kb] [lcp] [layout_shift] What a phone loads and sees first: the home page of the embedded mode in Chromium,
four times slower and on slow 4G, with nothing kept from before. [lcp_day] [shift_day] and so on: the same of what
people of the demo open, as if it were their first page.
"""

from __future__ import annotations

import re
import shutil
import statistics
from typing import NamedTuple

from playwright.sync_api import Browser, Page, StorageState, ViewportSize, sync_playwright

from services.demo import DEMO_PASSWORD
from shared.settings import Settings
from tests.bench.bench import Bench
from tests.bench.board import Ranking
from tests.bench.figures import Figure, ratio
from tests.bench.front import Front
from tests.bench.league import Leagues
from tests.bench.load import Target, in_turns, request
from tests.house import caller_of, token_of
from tests.journeys.process import start_services
from tests.servers.process import MissingServer, free_ports

PAGES = (
    *("page", "overview_page", "day_page", "choose_page", "story_page", "record_page"),
    *("start_page", "teams_page", "history_page", "grid_page"),
    *("home_page", "catalogue_page", "people_page", "platform_page"),
)
SEEN_PAGES = ("day", "record", "board", "me", "screen", "catalogue", "overview", "platform")
NAMES = (
    *PAGES,
    *(f"{name}_ms" for name in PAGES),
    *("first_page_kb", "lcp", "layout_shift"),
    *(f"{figure}_{name}" for name in SEEN_PAGES for figure in ("lcp", "shift")),
)
VISITS = 3
PLAYER, HR, OPERATOR = "nadia@atelier-vert.example", "rh@atelier-vert.example", "operateur@demo.example"
LEAGUE = re.compile(r"/leagues/[0-9a-f-]{36}$")
SLOW_4G = {"offline": False, "latency": 150, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 750e3 / 8}
"""Lighthouse's and WebPageTest's profile of that name: 1.6 Mbit/s down, 750 kbit/s up, 150 ms there and back."""
SEEN = """() => new Promise((resolve) => {
  const seen = { lcp: 0, shift: 0 };
  const watch = (type, see) =>
    new PerformanceObserver((list) => list.getEntries().forEach(see)).observe({ type, buffered: true });
  watch("largest-contentful-paint", (one) => { seen.lcp = one.startTime; });
  watch("layout-shift", (one) => { if (!one.hadRecentInput) seen.shift += one.value; });
  setTimeout(() => resolve(seen), 1000);
})"""


def measure(bench: Bench) -> list[Figure]:
    return [*_server(bench), *_phone(bench)]


def _server(bench: Bench) -> list[Figure]:
    """One request at a time: the time of a page, not of a queue."""
    ranking, leagues = Ranking(bench, "ranking", bench.completions), Leagues(bench, bench.completions)
    front = Front(bench)
    bare = Settings(
        data=bench.folder,
        database_url=ranking.settings.owner_database_url,
        port=free_ports(1)[0],
        log_level="WARNING",
    )
    bench.start(["-m", "tests.bench.bare", "pages"], bare)
    ceiling = Target(bare.port, [request("GET", "/page")], connections=1)
    boards = [f"/ranking/leagues/{league}/players" for league in ranking.ledger.leagues]
    ours = {
        "page": _of_ranking(ranking, "pupil", boards),
        "overview_page": _of_ranking(ranking, "organiser", ["/ranking/overview"]),
        "day_page": leagues.pages(),
        "choose_page": leagues.pages("/challenges"),
        "story_page": leagues.pages("/story"),
        "record_page": leagues.recording(),
        "start_page": leagues.start(),
        "teams_page": leagues.led("/teams"),
        "history_page": leagues.led("/history?who=all"),
        "grid_page": leagues.led("/record"),
        "home_page": front.home(),
        "catalogue_page": front.catalogue(),
        "people_page": front.people(),
        "platform_page": front.platform(),
    }
    in_turns([*ours.values(), ceiling], turns=bench.turns, seconds=bench.seconds)
    least = ceiling.measured.p50
    figures = []
    for name, target in ours.items():
        p50 = target.measured.p50
        figures.append(ratio(name, p50, least, of="ms (p50), the ceiling a bare Jinja page"))
        detail: dict[str, float | str] = {"p95": target.measured.p95}
        figures.append(Figure(f"{name}_ms", p50, 15.0, is_at_least=False, unit="ms (p50)", detail=detail))
    return figures


def _of_ranking(ranking: Ranking, role: str, paths: list[str]) -> Target:
    headers = {"Authorization": f"Bearer {token_of(caller_of(ranking.ledger.tenant_id, role))}"}
    return Target(ranking.settings.port, [request("GET", path, headers=headers) for path in paths], connections=1)


def _phone(bench: Bench) -> list[Figure]:
    chromium = shutil.which("chromium")
    if chromium is None:
        raise MissingServer("The phone needs Chromium: apt install chromium.")
    site = start_services(bench.folder / "site", demo=True)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            home, *others = [_visits(browser, state, url) for state, url in _addresses(browser, site.url)]
            browser.close()
    finally:
        site.stop()
    weight = statistics.median(kilobytes for kilobytes, _lcp, _shift in home)
    figures = [Figure("first_page_kb", weight, 100.0, is_at_least=False, unit="kB", detail={"visits": VISITS})]
    figures += _seen("lcp", "layout_shift", home)
    for name, visits in zip(SEEN_PAGES, others, strict=True):
        figures += _seen(f"lcp_{name}", f"shift_{name}", visits)
    return figures


def _seen(lcp_name: str, shift_name: str, visits: list[Visit]) -> list[Figure]:
    lcp, shift = [one.lcp for one in visits], [one.shift for one in visits]
    return [
        Figure(lcp_name, statistics.median(lcp), 2.0, is_at_least=False, unit="s", detail={"worst": max(lcp)}),
        Figure(shift_name, statistics.median(shift), 0.05, is_at_least=False, unit="", detail={"worst": max(shift)}),
    ]


def _addresses(browser: Browser, url: str) -> list[tuple[StorageState | None, str]]:
    """The home page and those of SEEN_PAGES, each with the cookies of who opens it."""
    player = _signed_in(browser, url, PLAYER)
    player.wait_for_url(LEAGUE)  # the only one: "my leagues" lead there
    league, challenge = player.url, player.get_attribute(".challenge a", "href")
    cookies, hr, operator = (
        page.context.storage_state() for page in (player, *(_signed_in(browser, url, one) for one in (HR, OPERATOR)))
    )
    return [
        (None, url),
        (cookies, league),
        (cookies, f"{url}{challenge}"),
        (cookies, f"{url}/ranking/leagues/{league.rsplit('/', 1)[1]}/players"),
        (cookies, f"{url}/identity/me"),
        (cookies, f"{league}/screen"),
        (None, f"{url}/challenges/"),
        (hr, f"{url}/ranking/overview"),
        (operator, f"{url}/identity/platform"),
    ]


def _signed_in(browser: Browser, url: str, email: str) -> Page:
    page = browser.new_context(base_url=url).new_page()
    page.goto("/sign-in")
    page.fill("[name=email]", email)
    page.fill("[name=password]", DEMO_PASSWORD)
    page.click("main form button")
    page.wait_for_url(lambda address: not address.endswith("/sign-in"))
    return page


class Visit(NamedTuple):
    """Kilobytes on the line, seconds to the largest paint, layout shift."""

    weight: float
    lcp: float
    shift: float


def _visits(browser: Browser, state: StorageState | None, url: str) -> list[Visit]:
    return [_visit(browser, state, url) for _ in range(VISITS)]


def _visit(browser: Browser, state: StorageState | None, url: str) -> Visit:
    """A first visit, with nothing kept but these cookies."""
    size = ViewportSize(width=390, height=844)
    context = browser.new_context(viewport=size, device_scale_factor=2, service_workers="block", storage_state=state)
    context.set_default_timeout(120_000)  # a machine that is busy shows a bad figure, and no error
    page = context.new_page()
    line = context.new_cdp_session(page)
    line.send("Network.enable")
    line.send("Network.emulateNetworkConditions", SLOW_4G)
    line.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    sizes: list[float] = []
    line.on("Network.loadingFinished", lambda told: sizes.append(told["encodedDataLength"]))
    page.goto(url, wait_until="networkidle")
    seen = page.evaluate(SEEN)
    context.close()
    return Visit(sum(sizes) / 1000, seen["lcp"] / 1000, seen["shift"])
