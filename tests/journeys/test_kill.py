"""SIGKILL, as a power cut and the kernel's out-of-memory killer send it: nothing that was accepted is lost."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.history import Load
from tests.journeys.people import found
from tests.journeys.process import Process, Services, run, run_anyway
from tests.journeys.waiting import eventually

SIZE = ("--leagues", "8", "--players", "120", "--completions", "1000", "--seed", "7")
SIMULATE = ("-m", "services", "simulate", *SIZE)
SIMULATION_SECONDS = 120
POINTS = {
    "ranking is being migrated": ("ranking", "alembic_version", 0),
    "the first tenants are founded": ("identity", "people", 20),
    "leagues open": ("leagues", "leagues", 4),
    "the first completion": ("leagues", "completions", 1),
    "a third": ("leagues", "completions", 330),
    "the ledger at two thirds": ("ranking", "ledger", 660),
    "nearly the end": ("leagues", "completions", 980),
    "the boards are revealed": ("ranking", "editions WHERE revealed_at IS NOT NULL", 1),
}
"""When to kill: as soon as this table of this service has so many rows."""
KILLS = 3
BETWEEN_KILLS = 60


def count(folder: Path, service: str, table: str) -> int:
    """The rows of a table, read beside the process that writes it; -1 while there is none."""
    file = folder / f"{service}.db"
    try:
        with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=5)) as database:
            rows: int = database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            return rows
    except sqlite3.OperationalError:
        return -1


def verified(folder: Path, url: str = "sqlite:///{data}/databases/{service}.db") -> str:
    """What `verify` says; it must say that all is well."""
    text = run("-m", "services", "verify", env={"MPP_DATA": str(folder), "MPP_DATABASE_URL": url})
    assert " 0 wrong;" in text, text
    assert " 0 inconsistencies" in text, text
    return text


@pytest.mark.parametrize("point", POINTS)
def test_a_simulation_killed_at_any_point_leaves_right_boards(
    watch: Callable[[Any], Any], tmp_path: Path, point: str
) -> None:
    data = tmp_path / "data"
    service, table, wanted = POINTS[point]
    simulation = watch(Process([*SIMULATE, "--data", str(data)], tmp_path / "log"))

    def is_reached() -> bool:
        assert simulation.is_running, f"it ended before {point}:\n{simulation.log}"
        return count(data, service, table) >= wanted

    eventually(is_reached, SIMULATION_SECONDS, pause=0.005)
    simulation.kill()
    recorded = count(data, "leagues", "completions")
    text = verified(data, "sqlite:///{data}/{service}.db")
    assert count(data, "leagues", "completions") == recorded, "verifying changes nothing"
    unpublished = "outbox WHERE published_at IS NULL"
    assert [count(data, name, unpublished) for name in ("identity", "challenges", "leagues", "ranking")] == [0] * 4
    assert count(data, "ranking", "dead_letters") == 0
    entries = count(data, "leagues", "completions") + count(data, "leagues", "completions WHERE withdrawn_at NOT NULL")
    assert f"{max(entries, 0)} ledger entries" in text


def test_the_same_seed_plays_the_same_edition(tmp_path: Path) -> None:
    reports = []
    for name in ("one.json", "two.json"):
        run(*SIMULATE, "--report", str(tmp_path / name), seconds=SIMULATION_SECONDS)
        reports.append(json.loads((tmp_path / name).read_text(encoding="utf-8")))
    same = ("accepted", "refused_by_reason", "withdrawn", "resent", "joined_late", "left", "changed_team")
    assert [{key: report[key] for key in same} for report in reports[:1]] == [{key: reports[1][key] for key in same}]
    assert reports[0]["accepted"] == 1000
    assert reports[0]["withdrawn"] > 0
    assert set(reports[0]["refused_by_reason"]) >= {"cap_reached", "day_in_future"}
    assert (reports[0]["boards_wrong"], reports[0]["is_right"]) == (0, True)
    assert reports[0]["ledger_entries"] == reports[0]["accepted"] + reports[0]["withdrawn"]


def test_what_was_answered_survives_a_killed_server(start: Callable[..., Services]) -> None:
    services = start(MPP_ACCESS_TOKEN_SECONDS="3600")
    with Load(found(services.url), leagues=1, pupils=40, per_second=1000, taken_back=0) as load:
        for _ in range(KILLS):
            load.goes_on(BETWEEN_KILLS)
            services.kill()
            services = start(services.folder, services.port, MPP_ACCESS_TOKEN_SECONDS="3600")
        load.goes_on(BETWEEN_KILLS)
    assert load.history.unknown("record"), "the kills came in the middle of requests"
    told, unknown = load.history.told("record"), load.history.unknown("record")
    assert told <= set(load.kept()) <= told | unknown
    load.ask_again()
    load.history.check(set(load.kept()), set())
    load.check_boards()
    assert services.stop() == 0
    verified(services.folder)


def test_a_simulation_can_be_interrupted(watch: Callable[[Any], Any], tmp_path: Path) -> None:
    simulation = watch(Process([*SIMULATE, "--data", str(tmp_path / "data")], tmp_path / "log"))
    eventually(lambda: count(tmp_path / "data", "leagues", "completions") > 10, SIMULATION_SECONDS)
    simulation.interrupt()
    assert simulation.wait(30) != 0
    assert "Traceback" not in simulation.log, simulation.log
    again = run_anyway(*SIMULATE, "--data", str(tmp_path / "data"))
    assert again.returncode != 0, "it begins in an empty folder only"
