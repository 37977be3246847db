"""[freshness] From the 2xx of a completion until the board shows it, at 50 completions a second.

The real processes on this machine: leagues web and worker, ranking web and worker, between them Kafka. Somebody else
looks at the board of the player's own league, over HTTP, until the points are there.
"""

from __future__ import annotations

import itertools
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests
from msgspec.structs import replace

from shared import commands
from shared.database import Database
from tests.bench.bench import Bench
from tests.bench.figures import Figure
from tests.bench.record import Game
from tests.house import know_test_key, token_of
from tests.journeys.waiting import eventually
from tests.servers.process import free_ports

NAMES = ("freshness",)
PER_SECOND = 50
SECONDS = 20
WATCHERS = 8
"""Completions that are watched at a time: each one's board is read until it shows, and the reading is load as well."""
POINTS = 3
PAUSE = 0.02


def measure(bench: Bench) -> list[Figure]:
    leagues = bench.settings("leagues", has_kafka=True, log_level="WARNING")
    ranking = bench.settings("ranking", has_kafka=True, log_level="WARNING")
    commands.topics("leagues", leagues)
    database = Database(ranking.database_url)
    know_test_key(database)
    database.close()
    game = Game(leagues)
    bench.start_role("leagues", "web", leagues)
    bench.start_role("ranking", "web", ranking)
    for service, settings in (("leagues", leagues), ("ranking", ranking)):
        bench.start_role(service, "worker", replace(settings, port=free_ports(1)[0]))
    game.open()
    watch = Watch(leagues.port, ranking.port, game)
    watch.wait_for_players()
    watch.play(PER_SECOND * SECONDS)
    seconds = watch.seconds
    detail: dict[str, float | str] = {
        "p50": round(statistics.median(seconds), 3),
        "most": round(max(seconds), 3),
        "watched": str(len(seconds)),
        "completions": str(watch.recorded),
        "per_second": round(watch.per_second, 1),
    }
    p95 = statistics.quantiles(seconds, n=100)[94]
    return [Figure("freshness", p95, 1.0, is_at_least=False, unit="s (p95)", detail=detail)]


class Watch:
    """Records at a steady pace, and looks now and then how long a board takes."""

    def __init__(self, leagues: int, ranking: int, game: Game) -> None:
        self.leagues = f"http://127.0.0.1:{leagues}/leagues/api/v1"
        self.ranking = f"http://127.0.0.1:{ranking}/ranking/api/v1"
        self.game = game
        self.points: dict[str, int] = {}
        self.seconds: list[float] = []
        self.recorded = 0
        self.per_second = 0.0
        self._lock = threading.Lock()
        self._watched: set[str] = set()
        self._local = threading.local()

    def wait_for_players(self) -> None:
        """Until ranking has heard of everybody."""
        for league, caller in self.game.players:
            eventually(lambda league=league, caller=caller: len(self._board(league, caller)) > 0, 60, pause=0.1)

    def play(self, completions: int) -> None:
        """So many completions, each at its moment; a pool of threads sends them and watches some."""
        acts = itertools.islice(self.game.acts(), completions)
        began = time.perf_counter()
        with ThreadPoolExecutor(WATCHERS * 2) as pool:
            done = []
            for number, act in enumerate(acts):
                time.sleep(max(0.0, began + number / PER_SECOND - time.perf_counter()))
                done.append(pool.submit(self._record, *act))
            for one in done:
                one.result()
        self.per_second = self.recorded / (time.perf_counter() - began)

    def _record(self, league: str, caller: Any, path: str, body: dict[str, Any]) -> None:
        answer = self._session().put(self.leagues + path, json=body, headers=_headers(caller), timeout=30)
        answer.raise_for_status()
        at = time.perf_counter()
        player = answer.json()["player_id"]
        with self._lock:
            self.recorded += 1
            self.points[player] = expected = self.points.get(player, 0) + POINTS
            if len(self._watched) >= WATCHERS or player in self._watched:
                return
            self._watched.add(player)
        while self._board(league, caller).get(player, 0) < expected:
            if time.perf_counter() - at > 30:
                raise TimeoutError("the board does not show it")
            time.sleep(PAUSE)
        with self._lock:
            self.seconds.append(time.perf_counter() - at)
            self._watched.discard(player)

    def _board(self, league: str, caller: Any) -> dict[str, int]:
        url = f"{self.ranking}/leagues/{league}/players?page_size=50"
        answer = self._session().get(url, headers=_headers(caller), timeout=30)
        if answer.status_code == 404:
            return {}
        answer.raise_for_status()
        return {line["contender_id"]: line["points"] for line in answer.json()["standings"]}

    def _session(self) -> requests.Session:
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
        session: requests.Session = self._local.session
        return session


def _headers(caller: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {token_of(caller)}"}
