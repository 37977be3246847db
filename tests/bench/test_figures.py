"""What the bench says, without measuring anything: its arithmetic, its table, its names."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

from tests.bench.__main__ import MEASUREMENTS
from tests.bench.client import is_whole
from tests.bench.figures import Figure, ratio, table, write_json
from tests.bench.load import request
from tests.journeys.process import ROOT

README = ROOT / "README.md"
ASKED = ("record", "replay", "board_growth", "rank", "board", "freshness", "scale", "page", "day_page", "lcp")


def test_every_figure_that_was_asked_for_is_measured() -> None:
    figures = [name for module in MEASUREMENTS.values() for name in importlib.import_module(module).NAMES]
    missing = [name for name in ASKED if not any(f"{figure}_".startswith(f"{name}_") for figure in figures)]
    assert missing == []
    assert len(figures) == len(set(figures))


def test_the_readme_has_a_line_for_each() -> None:
    section = README.read_text().partition("\n## Speed\n")[2].partition("\n## ")[0]
    assert [name for name in ASKED if f"[{name}]" not in section] == []


def test_a_ratio_is_ours_to_the_ceiling() -> None:
    figure = ratio("record", 300.0, 500.0, at_least=0.6, of="requests/s")
    assert figure.value == 0.6
    assert figure.detail == {"ours": 300.0, "ceiling": 500.0, "of": "requests/s"}


def test_at_least_includes_the_limit_and_under_does_not() -> None:
    assert ratio("record", 60.0, 100.0, at_least=0.6).holds
    assert not ratio("record", 59.0, 100.0, at_least=0.6).holds
    assert ratio("rank", 4.9, 1.0, under=5.0).holds
    assert not ratio("rank", 5.0, 1.0, under=5.0).holds


def test_a_figure_without_a_limit_is_reported_only() -> None:
    figure = Figure("scale", 1.7, None, is_at_least=True)
    assert figure.holds
    assert "reported" in table([figure])


def test_the_table_says_loudly_what_was_missed() -> None:
    missed, kept = table([ratio("record", 1.0, 4.0, at_least=0.6), ratio("rank", 2.0, 1.0, under=5.0)]).splitlines()
    assert "0.25" in missed
    assert "at least 0.6" in missed
    assert "MISSED" in missed
    assert "under 5" in kept
    assert "holds" in kept


def test_the_json_has_one_object_a_figure(tmp_path: Path) -> None:
    write_json([ratio("rank", 2.0, 1.0, under=5.0)], tmp_path / "bench.json")
    [written] = json.loads((tmp_path / "bench.json").read_text())
    assert written["name"] == "rank"
    assert (written["value"], written["limit"], written["is_at_least"], written["holds"]) == (2.0, 5.0, False, True)


def test_the_load_waits_for_the_last_byte_of_an_answer() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nServer: x\r\n\r\n[1]\n"
    assert is_whole(answer)
    assert not any(is_whole(answer[:length]) for length in range(len(answer)))


def test_a_request_says_how_long_its_body_is() -> None:
    head, _, body = request("PUT", "/acts/1", {"day": "2026-11-23"}).partition(b"\r\n\r\n")
    assert head.startswith(b"PUT /acts/1 HTTP/1.1\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
