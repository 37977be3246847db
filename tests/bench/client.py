"""The load: a process of its own, so that it shares no interpreter with what it measures, and does as little as it can.

python -m tests.bench.client PORT FILE CONNECTIONS

FILE is a pickled list of whole HTTP requests as bytes. Each line of standard input is a number of seconds: for so long
every connection sends a request, waits for the answer and sends the next. Each line of standard output is what came of
it, as JSON. The requests of a later turn follow those of the one before; after the last comes the first again.
"""

from __future__ import annotations

import itertools
import json
import pickle
import select
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

LENGTH = b"\r\nContent-Length: "


def main(port: int, file: Path, connections: int) -> None:
    requests = itertools.cycle(pickle.loads(file.read_bytes()))
    for line in sys.stdin:
        print(json.dumps(run(port, requests, connections, float(line))), flush=True)


def run(port: int, requests: Iterator[bytes], connections: int, seconds: float) -> dict[str, Any]:
    """One turn: milliseconds of each answer of 2xx, and how many others there were, with one of them."""
    milliseconds: list[float] = []
    refused, example = 0, ""
    poller = select.epoll()
    opened: dict[int, socket.socket] = {}
    parts: dict[int, bytes] = {}
    sent: dict[int, float] = {}
    for _ in range(connections):
        connection = socket.create_connection(("127.0.0.1", port), timeout=30)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened[connection.fileno()] = connection
        poller.register(connection, select.EPOLLIN)
    began = time.perf_counter()
    until = began + seconds
    for number, connection in opened.items():
        parts[number], sent[number] = b"", time.perf_counter()
        connection.sendall(next(requests))
    waiting = set(opened)
    while waiting:
        ready = poller.poll(30)
        if not ready:
            raise TimeoutError("no answer for 30 s")
        for number, _event in ready:
            received = opened[number].recv(1 << 18)
            if not received:
                raise ConnectionError("the server hung up")
            answer = parts[number] + received
            if not is_whole(answer):
                parts[number] = answer
                continue
            now = time.perf_counter()
            if answer[9:10] == b"2":
                milliseconds.append((now - sent[number]) * 1000)
            else:
                refused, example = refused + 1, answer.decode(errors="replace")
            if now < until:
                parts[number], sent[number] = b"", now
                opened[number].sendall(next(requests))
            else:
                waiting.discard(number)
    took = time.perf_counter() - began
    for connection in opened.values():
        connection.close()
    poller.close()
    return {"seconds": took, "milliseconds": milliseconds, "refused": refused, "example": example}


def is_whole(answer: bytes) -> bool:
    """Whether all of an answer has arrived; every one of ours says how long it is."""
    head = answer.find(b"\r\n\r\n")
    if head < 0:
        return False
    begins = answer.find(LENGTH, 0, head)
    length = int(answer[begins + len(LENGTH) : answer.index(b"\r\n", begins + 2)]) if begins >= 0 else 0
    return len(answer) >= head + 4 + length


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
