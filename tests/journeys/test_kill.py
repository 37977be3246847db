"""SIGKILL, as a power cut and the kernel's out-of-memory killer send it: nothing that was accepted is lost."""

from __future__ import annotations

import contextlib
import json
import random
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from shared.database import new_id
from tests.journeys.people import Person, at_nine, challenges_for, found
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
RECORDERS = 4
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


class Recorder(threading.Thread):
    """Somebody who records one act after the other, and remembers which were answered « recorded »."""

    def __init__(self, person: Person, acts: list[tuple[str, dict[str, Any]]], stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.url = f"{person.url}/leagues/api/v1/completions"
        self.headers = {"Authorization": f"Bearer {person.token}"}
        self.acts = acts
        self.stop = stop
        self.accepted: dict[str, Any] = {}
        self.refused: Counter[str] = Counter()
        self.unanswered: set[str] = set()
        self.tried = 0

    def run(self) -> None:
        http = requests.Session()
        for completion_id, act in self.acts:
            if self.stop.is_set():
                return
            self.tried += 1
            try:
                answer = http.put(f"{self.url}/{completion_id}", json=act, headers=self.headers, timeout=10)
            except requests.RequestException:
                self.unanswered.add(completion_id)
                self.stop.wait(0.05)
                continue
            if answer.ok:
                self.accepted[completion_id] = answer.json()
            else:
                self.refused[answer.json()["code"]] += 1


def test_what_was_answered_survives_a_killed_server(start: Callable[..., Services]) -> None:
    services = start(MPP_ACCESS_TOKEN_SECONDS="3600")
    head = found(services.url)
    league = head.create_league(head.open_edition(), teams=["1", "2", "3", "4"])
    stop = threading.Event()
    plans = plan(head, league)
    recorders = [Recorder(head, plans[number::RECORDERS], stop) for number in range(RECORDERS)]
    for recorder in recorders:
        recorder.start()
    try:
        for _ in range(KILLS):
            before = sum(len(recorder.accepted) for recorder in recorders)
            eventually(lambda: _accepted(recorders) >= before + BETWEEN_KILLS, 60)  # noqa: B023
            services.kill()
            services = start(services.folder, services.port, MPP_ACCESS_TOKEN_SECONDS="3600")
        before = _accepted(recorders)
        eventually(lambda: _accepted(recorders) >= before + BETWEEN_KILLS, 60)
    finally:
        stop.set()
        for recorder in recorders:
            recorder.join(20)
    accepted = {key: value for recorder in recorders for key, value in recorder.accepted.items()}
    unanswered = set().union(*(recorder.unanswered for recorder in recorders))
    assert unanswered, "the kills came in the middle of requests"
    _check_kept(head, league, dict(plans), accepted, unanswered)
    assert services.stop() == 0
    verified(services.folder)


def _accepted(recorders: list[Recorder]) -> int:
    assert all(recorder.is_alive() for recorder in recorders), "a recorder has run out of acts"
    return sum(len(recorder.accepted) for recorder in recorders)


def plan(head: Person, league: Any) -> list[tuple[str, dict[str, Any]]]:
    """Thousands of different acts: every pupil did everything that counts once a day, on each of the days so far."""
    pupils = head.add_players(league, *(f"Lynx {number}" for number in range(40)))
    daily = [challenge for challenge in challenges_for(head, "school") if challenge["per"] == "day"]
    acts = [
        {
            "league_id": league["league_id"],
            "player_id": pupil["player_id"],
            "challenge_id": challenge["challenge_id"],
            "day": at_nine(day)[:10],
        }
        for pupil in pupils
        for challenge in daily
        for day in range(5)
    ]
    random.Random(3).shuffle(acts)
    return [(str(new_id()), act) for act in acts]


def _check_kept(
    head: Person, league: Any, plans: dict[str, dict[str, Any]], accepted: dict[str, Any], unanswered: set[str]
) -> None:
    """Every accepted completion is there, sending it all again adds nothing, and the boards are their sum."""
    kept = kept_by(head, league)
    assert set(accepted) <= set(kept), "an accepted completion is lost"
    assert set(kept) <= set(accepted) | unanswered
    assert {key: kept[key] for key in accepted} == accepted
    for completion_id in accepted:
        again = head.ask("PUT", f"leagues/completions/{completion_id}", plans[completion_id])
        assert (again.status_code, again.json()) == (200, accepted[completion_id])
    for completion_id in unanswered:
        answer = head.ask("PUT", f"leagues/completions/{completion_id}", plans[completion_id])
        assert answer.status_code == (200 if completion_id in kept else 201)
    kept = kept_by(head, league)
    assert set(kept) == set(accepted) | unanswered
    by_player: Counter[str] = Counter()
    by_team: Counter[str] = Counter()
    for completion in kept.values():
        by_player[completion["player_id"]] += completion["points"]
        by_team[completion["team_id"]] += completion["points"]
    players = head.get(f"leagues/leagues/{league['league_id']}/players", params={"page_size": 100})
    head.sees(
        f"leagues/{league['league_id']}/players", {one["player_id"]: by_player[one["player_id"]] for one in players}
    )
    head.sees(f"leagues/{league['league_id']}/teams", dict(by_team))
    head.sees(f"editions/{league['edition_id']}/leagues", {league["league_id"]: by_team.total()})


def kept_by(head: Person, league: Any) -> dict[str, Any]:
    """Every completion of a league, by id."""
    kept: dict[str, Any] = {}
    for page in range(1, 1000):
        query = {"league_id": league["league_id"], "page": page, "page_size": 100}
        found = head.get("leagues/completions", params=query)
        kept |= {completion["completion_id"]: completion for completion in found}
        if len(found) < 100:
            break
    return kept


def test_a_simulation_can_be_interrupted(watch: Callable[[Any], Any], tmp_path: Path) -> None:
    simulation = watch(Process([*SIMULATE, "--data", str(tmp_path / "data")], tmp_path / "log"))
    eventually(lambda: count(tmp_path / "data", "leagues", "completions") > 10, SIMULATION_SECONDS)
    simulation.interrupt()
    assert simulation.wait(30) != 0
    assert "Traceback" not in simulation.log, simulation.log
    again = run_anyway(*SIMULATE, "--data", str(tmp_path / "data"))
    assert again.returncode != 0, "it begins in an empty folder only"
