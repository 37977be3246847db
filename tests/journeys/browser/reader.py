"""Somebody with a browser. Every page they come to is looked at: axe, console, width, other origins."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Page, Request, expect

from services.demo import DEMO_PASSWORD

EXPECTED = (
    "Failed to load resource: the server responded with a status of 4",
    "net::ERR_INTERNET_DISCONNECTED",
    "Service Worker registration blocked by Playwright",
)
TOO_WIDE = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  const isTooWide = (one) => one.getBoundingClientRect().right > width + 1;
  const found = [...document.body.querySelectorAll("*")].filter(isTooWide);
  return found.slice(0, 5).map((one) => one.outerHTML.slice(0, 120));
}"""
BUILT = """() => {
  const words = ["class", "role", "type", "dir", "aria-hidden", "aria-pressed", "aria-current"];
  const signed = (one) => {
    if (one.nodeType === Node.TEXT_NODE) return one.data.trim() ? "." : "";
    if (one.nodeType !== Node.ELEMENT_NODE) return "";
    const attributes = [...one.attributes].map(({ name, value }) =>
      name + "=" + (words.includes(name) ? value : value !== ""));
    const children = one.tagName === "svg" ? [] : [...one.childNodes].map(signed).filter(Boolean);
    return `<${one.tagName} ${attributes.sort()} ${one.checked ?? ""}>${[...new Set(children)].join("")}</>`;
  };
  const main = document.querySelector("main");
  const frame = [...document.body.children].map((one) => (one === main ? "<main>" : signed(one))).join("");
  return [frame, main ? signed(main) : ""];
}"""
"""How the frame and the main part are built, in this language: all but the words and what repeats."""
OURS = ("http://127.0.0.1:", "https://127.0.0.1:", "https://localhost:")
ABOUT_COLOURS = ["color-contrast", "link-in-text-block"]
"""What axe says of colours. The dark changes nothing else: test_every_page.py holds the style sheets to that."""
AXE = """(rules) => axe.run(document, {
  resultTypes: ["violations"], selectors: false, preload: false, ...(rules.length ? { runOnly: rules } : {}),
}).then(({ violations }) => violations.map((one) => [one.id, one.nodes.map((node) => node.html.slice(0, 200))]))"""
"""What axe finds; without the path to each element and without the style sheets, that nobody reads here."""


class Reader:
    """One browser context: its cookies are nobody else's."""

    def __init__(
        self, context: BrowserContext, folder: Path, number: int, *, has_script: bool = True, language: str = "fr"
    ) -> None:
        self.context = context
        self.folder = folder
        self.number = number
        self.has_script = has_script
        self.language = language
        self.shots = 0
        self.complaints: list[str] = []
        self.page = self.tab()

    def tab(self) -> Page:
        """One more tab of the same browser."""
        page = self.context.new_page()
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._see_request)
        page.on("dialog", self._refuse_dialog)
        return page

    def goto(self, path: str) -> None:
        """Opens an address; waits until what it loads by itself is there."""
        self.page.goto(path)
        self.settle()

    def settle(self) -> None:
        """Until the page is there, with the pieces it loads by itself."""
        self.page.wait_for_load_state()
        if self.has_script:
            expect(self.page.locator(".htmx-request")).to_have_count(0)

    def press(self, selector: str) -> None:
        """The first such button or link that one sees; waits for the page it leads to."""
        with self.page.expect_navigation():
            self.page.locator(selector).filter(visible=True).first.click()
        self.settle()

    def sign_in(self, email: str, password: str = DEMO_PASSWORD) -> None:
        """From the home page; then in the reader's language, for an account may come with its own."""
        self.goto("/")
        self.press("a[href='/sign-in']")
        self.page.fill("[name=email]", email)
        self.page.fill("[name=password]", password)
        self.page.locator("main button").click()
        self.page.wait_for_url(lambda url: not url.endswith("/sign-in"))
        self.settle()
        if self.page.get_attribute("html", "lang") != self.language:
            self.press(f".language-switch [value={self.language}]")

    def shot(self, name: str) -> None:
        """Keeps a picture of the page, and checks what every page must be."""
        self.shots += 1
        self.folder.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=self.folder / f"{self.number}-{self.shots:02}-{name}.png", full_page=True)
        if self.has_script:  # without it nothing can be asked of the page
            self.check()

    def check(self, rules: Sequence[str] = ()) -> None:
        """axe (by `rules`, or all) finds nothing, nothing overflows, the console is silent, requests stay here."""
        self.check_width()
        assert not self.complaints, f"{self.page.url}: {self.complaints}"
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE_SCRIPT)
        told: Any = self.page.evaluate(AXE, list(rules))
        is_dark: bool = self.page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
        look = f"{self.page.evaluate('innerWidth')} px, {'dark' if is_dark else 'light'}"
        assert not told, f"{self.page.url}, {look}: {told}"

    def built(self) -> set[tuple[str, bytes]]:
        """How the parts of the page are built; what two such parts differ by is words, and how many lines they have."""
        language = str(self.page.get_attribute("html", "lang"))
        return {(language, sha256(part.encode()).digest()) for part in self.page.evaluate(BUILT)}

    def check_width(self) -> None:
        """Nothing scrolls sideways; what does is named."""
        width = self.page.viewport_size["width"] if self.page.viewport_size else 0
        wide: list[str] = self.page.evaluate(TOO_WIDE)
        assert not wide, f"{self.page.url} scrolls sideways at {width} px: {wide}"

    def close(self) -> None:
        self.context.close()

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not any(part in message.text for part in EXPECTED):
            self.complaints.append(message.text)

    def _refuse_dialog(self, dialog: Dialog) -> None:
        """None of our pages opens one: it is a name that ran as code."""
        self.complaints.append(f"a dialog: {dialog.message}")
        dialog.dismiss()

    def _see_request(self, request: Request) -> None:
        if not request.url.startswith((*OURS, "data:", "blob:")):
            self.complaints.append(f"another origin: {request.url}")
