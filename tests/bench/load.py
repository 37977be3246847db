"""A load over keep-alive connections, in turns (ours, the ceiling, ours ...), so that a noisy minute hits both."""

from __future__ import annotations

import json
import pickle
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

from tests.journeys.process import ROOT

CONNECTIONS = 4
"""As many requests at a time: enough to keep the server's one process busy, too few to hide behind a queue."""


class Refused(Exception):
    """The server did not answer 2xx: what was measured is not what was meant."""


def request(method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> bytes:
    """A whole HTTP request."""
    content = b"" if body is None else json.dumps(body).encode()
    fields = {"Host": "127.0.0.1", "Accept": "*/*", **(headers or {})}
    if body is not None:
        fields |= {"Content-Type": "application/json", "Content-Length": str(len(content))}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + content


@dataclass
class Measured:
    """The answers of all turns."""

    seconds: float = 0.0
    milliseconds: list[float] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        return len(self.milliseconds) / self.seconds

    @property
    def p50(self) -> float:
        return statistics.median(self.milliseconds)

    @property
    def p95(self) -> float:
        return statistics.quantiles(self.milliseconds, n=100)[94]


class Target:
    """One server and the requests to send it, by a process of their own.

    A list that may be sent again is one `is_endless`; of another every request is sent once at most.
    """

    def __init__(
        self, port: int, requests: Sequence[bytes], *, is_endless: bool = True, connections: int = CONNECTIONS
    ) -> None:
        self.measured = Measured()
        self._left: float = float("inf") if is_endless else len(requests)
        with tempfile.NamedTemporaryFile(prefix="mpp-load-") as file:
            pickle.dump(list(requests), file)
            file.flush()
            command = [sys.executable, "-m", "tests.bench.client", str(port), file.name, str(connections)]
            self._client = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            self.load(0.5, Measured())  # warms the server up; and the file has been read when it is removed

    def load(self, seconds: float, measured: Measured | None = None) -> None:
        """One turn, added to what was measured. Raises Refused."""
        measured = measured or self.measured
        written, read = self._pipes()
        written.write(f"{seconds}\n")
        written.flush()
        line = read.readline()
        if not line:
            raise RuntimeError("the load ended early: its error is above")
        turn = json.loads(line)
        if turn["refused"]:
            raise Refused(f"{turn['refused']} answers were not 2xx, one of them:\n{turn['example']}")
        measured.seconds += turn["seconds"]
        measured.milliseconds += turn["milliseconds"]
        self._left -= len(turn["milliseconds"])
        if self._left < 0:
            raise RuntimeError("requests that must be sent once were sent again: make more of them")

    def _pipes(self) -> tuple[IO[str], IO[str]]:
        assert self._client.stdin is not None
        assert self._client.stdout is not None
        return self._client.stdin, self._client.stdout

    def close(self) -> None:
        written, read = self._pipes()
        written.close()
        self._client.wait(30)
        read.close()


def in_turns(targets: Sequence[Target], *, turns: int, seconds: float) -> None:
    """Loads the targets one after the other, `turns` times `seconds` each; then their processes end."""
    try:
        for _ in range(turns):
            for target in targets:
                target.load(seconds)
    finally:
        for target in targets:
            target.close()
