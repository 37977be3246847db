"""In a real browser: letters twice as large on a phone, and the pages of the APIs under the policy of all pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.process import Services, start_services

PHONE = {"width": 390, "height": 844}
PASSWORD = "petite-planete-de-demo"
BEYOND = """() => {
  const wide = innerWidth + 1;
  const inside = (element) => element.parentElement && (
    getComputedStyle(element.parentElement).overflowX !== "visible" || inside(element.parentElement));
  const out = [...document.querySelectorAll("main *, header *, footer *")].filter((element) =>
    element.getBoundingClientRect().right > wide && !element.closest("svg, .visually-hidden") && !inside(element));
  return document.documentElement.scrollWidth > innerWidth
    ? out.map((element) => element.tagName + "." + element.className).concat(["the page"]) : [];
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """The four services with the demo edition."""
    services = start_services(tmp_path_factory.mktemp("large") / "data", demo=True)
    yield services
    services.stop()


@pytest.fixture
def page(site: Services, chromium: Browser) -> Iterator[Page]:
    """A French phone whose reader has made letters twice as large, and nothing else."""
    context = chromium.new_context(
        viewport=PHONE, locale="fr-FR", base_url=site.url, reduced_motion="reduce", service_workers="block"
    )
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


def beyond(page: Page, path: str) -> list[str]:
    """What of a page lies beyond the right edge of the screen, once its letters are twice as large."""
    page.goto(path, wait_until="networkidle")
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    found: list[str] = page.evaluate(BEYOND)
    return found


def test_letters_twice_as_large_stay_within_a_phones_screen_for_visitors(page: Page) -> None:
    for path in ("/", "/ranking/", "/ui", "/challenges/", "/sign-in", "/found/school", "/legal/about", "/nowhere"):
        assert beyond(page, path) == [], path


@pytest.mark.parametrize("email", ["zoe@grand-public.example", "direction@lilas.example", "operateur@demo.example"])
def test_letters_twice_as_large_stay_within_a_phones_screen_for_those_who_are_in(page: Page, email: str) -> None:
    page.goto("/sign-in")
    page.fill("[name=email]", email)
    page.fill("[name=password]", PASSWORD)
    page.click("main form .button.primary")
    expect(page.locator(".site-nav [href='/identity/me']")).to_be_visible()
    here = page.evaluate("location.pathname")
    found = page.eval_on_selector_all(
        "main a[href^='/'], .site-nav a[href^='/']", "all => all.map((link) => link.getAttribute('href'))"
    )
    assert len(found) > 4
    for path in [here, *dict.fromkeys(found)][:12]:
        assert beyond(page, path) == [], path


@pytest.mark.parametrize("service", ["identity", "challenges", "leagues", "ranking"])
def test_the_page_of_an_api_works_without_anything_inline(page: Page, service: str) -> None:
    complaints: list[str] = []
    page.on("console", lambda told: complaints.append(told.text) if told.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.set_viewport_size({"width": 1280, "height": 900})
    answer = page.goto(f"/{service}/api/v1/docs")
    assert answer is not None
    assert "unsafe" not in answer.headers["content-security-policy"]
    first = page.locator(".opblock-summary-control").first
    first.click()
    page.locator(".try-out__btn").first.click()
    expect(page.locator(".execute").first).to_be_visible()
    assert page.evaluate("getComputedStyle(document.querySelector('.opblock')).borderRadius") != "0px", "it is styled"
    assert complaints == []
