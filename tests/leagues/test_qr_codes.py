"""The QR codes of the pages, read as a telephone reads them."""

from __future__ import annotations

import re

import pytest
import zxingcpp

from tests.leagues.game import Game
from tests.leagues.test_pages import path
from tests.pages import elements

DOT = 6
"""Pixels of one module."""


def read_codes(page: str) -> list[str]:
    """What the QR codes drawn on a page say, each as large as its SVG lets it be, on the white of its style."""
    return [
        code.text
        for drawn in re.findall(r'<svg[^>]*class="qr".*?</svg>', page, re.DOTALL)
        for code in zxingcpp.read_barcodes(_pixels(drawn))
    ]


def _pixels(drawn: str) -> memoryview:
    """A drawing of segno (one path of horizontal strokes, a module thick) in black and white."""
    [(box, _)] = [(attributes["viewbox"], text) for attributes, text in elements(drawn, "svg")]
    [stroke] = [attributes["d"] for attributes, _text in elements(drawn, "path")]
    shift = re.search(r"translate\(([\d.]+)", drawn)
    _left, _top, width, height = (int(float(number)) for number in box.split())
    side = width * DOT
    pixels = bytearray(b"\xff" * (side * height * DOT))
    x, y = (float(shift[1]),) * 2 if shift else (0.0, 0.0)
    for command, numbers in re.findall(r"([Mmh])([-\d. ]*)", stroke):
        values = [float(number) for number in re.findall(r"-?\d*\.?\d+", numbers)]
        if command == "h":
            for row in range(int(y) * DOT, (int(y) + 1) * DOT):
                start = row * side + int(x) * DOT
                pixels[start : start + int(values[0]) * DOT] = bytes(int(values[0]) * DOT)
            x += values[0]
        else:
            x, y = (values[0], values[1]) if command == "M" else (x + values[0], y + values[1])
    return memoryview(pixels).cast("B", (height * DOT, side))


@pytest.mark.parametrize("rest", ["invite", "poster"])
@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_code_that_is_shown_and_printed_leads_into_the_league(game: Game, rest: str, language: str) -> None:
    page = game.client.get(path(game, rest), headers={"Accept-Language": language}).text
    link = f"http://127.0.0.1:8000/leagues/join/{game.league['code']}"
    assert read_codes(page) == [link]
    assert link in page, "who has no camera types it"
    joining = game.somebody().client.get(link.removeprefix("http://127.0.0.1:8000"))
    assert game.league["name"] in joining.text


def test_a_new_code_is_a_new_picture(game: Game) -> None:
    [before] = read_codes(game.client.get(path(game, "poster")).text)
    game.client.post(path(game, "code"))
    [after] = read_codes(game.client.get(path(game, "poster")).text)
    assert before != after
