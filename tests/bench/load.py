"""A load over keep-alive connections, in turns (ours, the ceiling, ours ...), so that a noisy minute hits both."""

from __future__ import annotations

import http.client
import itertools
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

Request = tuple[str, str, bytes | None, dict[str, str]]
"""Method, path, body, headers."""


@dataclass
class Measured:
    """The answers of all turns."""

    seconds: float = 0.0
    milliseconds: list[float] = field(default_factory=list)
    refused: dict[int, int] = field(default_factory=dict)

    @property
    def per_second(self) -> float:
        return len(self.milliseconds) / self.seconds

    def quantile(self, share: float) -> float:
        return statistics.quantiles(self.milliseconds, n=100)[round(share * 100) - 1]


@dataclass
class Target:
    """One server and the requests to send it."""

    port: int
    requests: Iterator[Request]
    measured: Measured = field(default_factory=Measured)


def in_turns(targets: list[Target], *, turns: int, seconds: float, connections: int) -> None:
    """Loads the targets one after the other, `turns` times `seconds` each, after a warm-up of each."""
    for target in targets:
        _load(target, 1.0, connections, Measured())
    for _ in range(turns):
        for target in targets:
            _load(target, seconds, connections, target.measured)


def _load(target: Target, seconds: float, connections: int, measured: Measured) -> None:
    lock = threading.Lock()
    deadline = time.perf_counter() + seconds
    started = time.perf_counter()

    def work() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=30)
        mine: list[float] = []
        refused: dict[int, int] = {}
        while time.perf_counter() < deadline:
            with lock:
                method, path, body, headers = next(target.requests)
            before = time.perf_counter()
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status < 300:
                mine.append((time.perf_counter() - before) * 1000)
            else:
                refused[answer.status] = refused.get(answer.status, 0) + 1
        connection.close()
        with lock:
            measured.milliseconds += mine
            for status, count in refused.items():
                measured.refused[status] = measured.refused.get(status, 0) + count

    threads = [threading.Thread(target=work) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    measured.seconds += time.perf_counter() - started


def forever(make: Callable[[int], Request]) -> Iterator[Request]:
    """The requests number 0, 1, 2 ..."""
    return (make(number) for number in itertools.count())
