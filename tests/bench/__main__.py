"""`python -m tests.bench --json FILE`: recording a completion and reading a board, each beside its ceiling.

Recording: one PUT over HTTP with every check on, beside a bare flask-smorest route that validates and inserts one row.
Reading: a league's board of players with 300,000 completions in the ledger, beside a bare route with one indexed SELECT
of 50 lines. Both servers run under the same gunicorn settings, take turns, and share the machine with the load.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from services.embedded import Embedded
from shared.clock import local_day, utc_now
from shared.log import configure_logging
from shared.settings import Settings
from tests.bench.bare import BOARDS
from tests.bench.ledger import Ledger
from tests.bench.load import Measured, Request, Target, forever, in_turns

ACCOUNT = {"email": "direction@banc.example.org", "password": "trois-petites-loutres-vertes"}
LEAGUES, PUPILS = 20, 40
ZONE = "Europe/Paris"


def main() -> int:
    configure_logging("WARNING")
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--completions", type=int, default=300_000, help="how many are in the ledger (default 300,000)")
    parser.add_argument("--seconds", type=float, default=5.0, help="length of one turn (default 5)")
    parser.add_argument("--turns", type=int, default=4, help="turns of each (default 4)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mpp-bench-") as folder:
        figures = measure(Path(folder), args)
    for figure in figures:
        print("{name:<18} {value:>9} {unit:<11} ceiling {ceiling:>9}   ratio {ratio}".format(**figure))
    if args.json:
        args.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 0


def measure(folder: Path, args: argparse.Namespace) -> list[dict[str, Any]]:
    """Starts both servers, loads them, and returns the figures."""
    data = folder / "data"
    servers: list[subprocess.Popen[bytes]] = []
    try:
        ours = start(servers, ["-m", "services", "serve"], data, "/ranking/health/ready")
        bare = start(servers, ["-m", "tests.bench.bare", "{port}", str(folder)], data, "/boards/1")
        client = Client(ours)
        tenant_id = client.found()
        ledger = fill(data, tenant_id, args.completions)
        record = Target(ours, client.completions())
        insert = Target(bare, forever(put_act))
        in_turns([record, insert], turns=args.turns, seconds=args.seconds, connections=4)
        read = Target(ours, client.boards(ledger))
        select = Target(bare, forever(lambda number: ("GET", f"/boards/{number % BOARDS}", None, {})))
        in_turns([read, select], turns=args.turns, seconds=args.seconds, connections=4)
    finally:
        for server in servers:
            os.killpg(server.pid, signal.SIGINT)
            server.wait(30)
    for name, target in (("record", record), ("board", read)):
        if target.measured.refused:
            print(f"{name}: refused {target.measured.refused}", file=sys.stderr)
    return [*figures("record", record.measured, insert.measured), *figures("board", read.measured, select.measured)]


def figures(name: str, ours: Measured, ceiling: Measured) -> list[dict[str, Any]]:
    """Requests per second, median and 95th percentile, beside the ceiling's; each ratio is ours to the ceiling's."""
    rows = [(f"{name}_per_second", ours.per_second, "requests/s", ceiling.per_second)]
    rows += [
        (f"{name}_p{share}", ours.quantile(share / 100), "ms", ceiling.quantile(share / 100)) for share in (50, 95)
    ]
    return [
        {"name": row, "value": round(value, 2), "unit": unit, "ceiling": round(top, 2), "ratio": round(value / top, 3)}
        for row, value, unit, top in rows
    ]


def start(servers: list[subprocess.Popen[bytes]], command: list[str], data: Path, path: str) -> int:
    """Starts a server on a free port and waits until it answers; returns the port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    environment = os.environ | {
        "MPP_DATA": str(data),
        "MPP_PORT": str(port),
        "MPP_LOG_LEVEL": "WARNING",
        "MPP_ACCESS_TOKEN_SECONDS": "36000",
    }
    arguments = [part.format(port=port) for part in command]
    servers.append(subprocess.Popen([sys.executable, *arguments], env=environment, start_new_session=True))
    deadline = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5).read()
            return port
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def fill(data: Path, tenant_id: UUID, completions: int) -> Ledger:
    """The ledger, through ranking's own handlers."""
    house = Embedded(Settings(data=data))
    ledger = Ledger(house.databases["ranking"], tenant_id)
    seconds = ledger.fill(completions)
    print(f"ledger: {completions} completions handled in {seconds:.0f} s, {completions / seconds:.0f} a second")
    house.close()
    return ledger


def put_act(_number: int) -> Request:
    body = json.dumps({"player_id": str(uuid4()), "day": "2026-11-23"}).encode()
    return "PUT", f"/acts/{uuid4()}", body, {"Content-Type": "application/json"}


class Client:
    """A head of school with twenty classes."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.headers = {"Content-Type": "application/json"}

    def send(self, method: str, path: str, body: Any = None) -> Any:
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, self.headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def found(self) -> UUID:
        """Founds the school, its edition and its classes; returns the tenant."""
        school = {"kind": "school", "name": "École du banc", "country": "FR", "language": "fr", "zone": "Europe/Paris"}
        administrator = {"display_name": "Direction", **ACCOUNT}
        founded = self.send("POST", "/identity/api/v1/tenants", {**school, "administrator": administrator})
        self.headers["Authorization"] = (
            f"Bearer {self.send('POST', '/identity/api/v1/sessions', ACCOUNT)['access_token']}"
        )
        self.starts = local_day(utc_now(), ZONE) - timedelta(days=20)
        edition = self.send(
            "POST", "/leagues/api/v1/editions", {"name": "Banc", "starts_at": f"{self.starts}T00:00:00"}
        )
        self.send("PUT", f"/leagues/api/v1/editions/{edition['edition_id']}/phase", {"phase": "registration"})
        self.players: list[tuple[str, str]] = []
        for number in range(LEAGUES):
            facts = {"edition_id": edition["edition_id"], "name": f"Classe {number + 1}"}
            league = self.send("POST", "/leagues/api/v1/leagues", facts)["league_id"]
            names = {"names": [f"Élève {pupil + 1}" for pupil in range(PUPILS)]}
            added = self.send("POST", f"/leagues/api/v1/leagues/{league}/players", names)
            self.players += [(league, player["player_id"]) for player in added]
        return UUID(founded["tenant"]["tenant_id"])

    def completions(self) -> Iterator[Request]:
        """Acts that all count: every pupil, every challenge that may be done daily, every day so far."""
        found = self.send("GET", "/challenges/api/v1/challenges?audience=school&kind=individual&page_size=100")
        daily = [challenge["challenge_id"] for challenge in found if challenge["per"] == "day"]
        days = [(self.starts + timedelta(days=number)).isoformat() for number in range(20)]
        for day, challenge, (league, player) in itertools.product(days, daily, self.players):
            body = {"league_id": league, "player_id": player, "challenge_id": challenge, "day": day}
            yield "PUT", f"/leagues/api/v1/completions/{uuid4()}", json.dumps(body).encode(), self.headers

    def boards(self, ledger: Ledger) -> Iterator[Request]:
        """The players of each league, in turn."""
        for league in itertools.cycle(ledger.leagues):
            yield "GET", f"/ranking/api/v1/leagues/{league}/players?page_size=50", None, self.headers


if __name__ == "__main__":
    sys.exit(main())
