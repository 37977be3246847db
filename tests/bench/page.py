"""[page] The page of a board with the ledger full, beside a bare Jinja page. [page_ms] Its server time.

The same of other pages, with as many completions in leagues: [overview_page] an organiser's overview; [day_page]
[choose_page] [story_page] [record_page] a player's day, the challenges to choose from, the league's story, one
challenge; [start_page] [teams_page] [history_page] [grid_page] a teacher's leagues, and of one of them the teams,
everything recorded, and the grid.

[first_page_kb] [lcp] [layout_shift] What a phone loads and sees first: the home page of the embedded mode in Chromium,
four times slower and on slow 4G.
"""

from __future__ import annotations

import shutil
import statistics

from playwright.sync_api import Browser, ViewportSize, sync_playwright

from shared.settings import Settings
from tests.bench.bench import Bench
from tests.bench.board import Ranking
from tests.bench.figures import Figure, ratio
from tests.bench.league import Leagues
from tests.bench.load import Target, in_turns, request
from tests.house import caller_of, token_of
from tests.journeys.process import start_services
from tests.servers.process import MissingServer, free_ports

PAGES = (
    *("page", "overview_page", "day_page", "choose_page", "story_page", "record_page"),
    *("start_page", "teams_page", "history_page", "grid_page"),
)
NAMES = (*PAGES, *(f"{name}_ms" for name in PAGES), "first_page_kb", "lcp", "layout_shift")
VISITS = 5
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
            visits = [_visit(browser, site.url) for _ in range(VISITS)]
            browser.close()
    finally:
        site.stop()
    weight, lcp, shift = (statistics.median(one[index] for one in visits) for index in range(3))
    return [
        Figure("first_page_kb", weight / 1000, 100.0, is_at_least=False, unit="kB", detail={"visits": VISITS}),
        Figure("lcp", lcp / 1000, 2.0, is_at_least=False, unit="s", detail={"worst": max(v[1] for v in visits) / 1000}),
        Figure("layout_shift", shift, 0.05, is_at_least=False, unit="", detail={"worst": max(v[2] for v in visits)}),
    ]


def _visit(browser: Browser, url: str) -> tuple[float, float, float]:
    """A first visit, with nothing kept: bytes on the line, milliseconds to the largest paint, layout shift."""
    size = ViewportSize(width=390, height=844)
    context = browser.new_context(viewport=size, device_scale_factor=2, service_workers="block")
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
    return sum(sizes), seen["lcp"], seen["shift"]
