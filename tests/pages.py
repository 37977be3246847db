"""What a page says, to tests that do not care how it is marked up."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

VOID = {"input", "br", "img", "meta", "link", "hr"}


def words_of(page: str) -> str:
    """The words of the main part of a page (of all of a fragment), as a person reads them: one space between two."""
    main = re.search(r"<main.*</main>", page, re.DOTALL)
    text = re.sub(r"<[^>]+>", " ", main[0] if main else page)
    return " ".join(html.unescape(text).replace("\xa0", " ").replace("\u202f", " ").split())


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str], list[str]]] = []
        self.open: list[tuple[str, dict[str, str], list[str]]] = []
        self.in_template = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.in_template |= tag == "template"  # what a script may show one day
        if self.in_template:
            return
        element = (tag, {name: value or "" for name, value in attrs}, list[str]())
        self.found.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        if self.in_template:
            self.in_template = tag != "template"
            return
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        for _tag, _attributes, texts in () if self.in_template else self.open:
            texts.append(data)


def elements(page: str, *tags: str) -> list[tuple[dict[str, str], str]]:
    """The elements of some tags, in order: their attributes and their words."""
    parser = _Elements()
    parser.feed(page)
    return [
        (attributes, " ".join("".join(texts).replace("\xa0", " ").split()))
        for tag, attributes, texts in parser.found
        if tag in tags
    ]


def links(page: str) -> dict[str, str]:
    """Where each link of a page leads, by its words."""
    return {text: attributes.get("href", "") for attributes, text in elements(page, "a")}


def buttons(page: str) -> list[str]:
    """The words of the buttons of a page."""
    return [text for _attributes, text in elements(page, "button")]
