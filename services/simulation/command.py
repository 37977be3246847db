"""The commands `simulate` and `verify`, and the report."""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from services.embedded import Embedded
from services.four import four_databases, waiting_for_ranking
from services.simulation.play import Tally, finish, play
from services.simulation.proof import Proof, prove
from services.simulation.world import Plan, open_world, populate
from shared.clock import utc_now
from shared.migrations import pending_migrations
from shared.outbox import pending
from shared.settings import Settings, SettingsError
from shared.tenancy import across_tenants

FIRST_MONDAY = datetime(2026, 1, 5, 9, 0)  # noqa: DTZ001 (a wall-clock time: it has no zone)
MOST_PLAYERS_OF_A_LEAGUE = 900
QUIET_SECONDS = 10.0
"""How long nothing must have moved before what waits is taken to wait in vain."""


def add_simulate_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `simulate`."""
    parser.add_argument("--leagues", type=int, default=20, help="how many leagues play (default 20)")
    parser.add_argument("--players", type=int, default=400, help="how many people play in them (default 400)")
    parser.add_argument("--completions", type=int, default=6000, help="how many completions they record (default 6000)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed plays the same edition (default 1)")
    parser.add_argument("--report", type=Path, help="write the report to this JSON file")
    parser.add_argument("--data", type=Path, help="keep the databases in this empty folder (default: thrown away)")


def simulate(args: argparse.Namespace, settings: Settings) -> int:
    """Plays an edition and proves its boards; exit status 1 when one of them is wrong."""
    _check(args)
    folder = args.data or Path(tempfile.mkdtemp(prefix="mpp-simulation-"))
    try:
        synchronous = "full" if args.data else "off"  # what is thrown away need not survive a power cut
        url = f"sqlite:///{folder.resolve()}/{{service}}.db?synchronous={synchronous}"
        house = Embedded(msgspec.structs.replace(settings, data=folder, database_url=url))
        plan = Plan(
            leagues=args.leagues,
            players=args.players,
            completions=args.completions,
            seed=args.seed,
            name="Édition simulée",
            starts_at=FIRST_MONDAY,
        )
        report = run(house, plan)
        house.close()
    finally:
        if not args.data:
            shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(report, indent=2, ensure_ascii=False))
    if args.report:
        args.report.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0 if report["is_right"] else 1


def _check(args: argparse.Namespace) -> None:
    for name in ("leagues", "players", "completions"):
        if getattr(args, name) < 1:
            raise SettingsError(f"--{name} must be 1 or more.")
    if args.players < 2 * args.leagues:
        raise SettingsError(f"--players {args.players} is too few for {args.leagues} leagues: give at least 2 to each.")
    if args.players > MOST_PLAYERS_OF_A_LEAGUE * args.leagues:
        raise SettingsError(f"--players {args.players} is too many for {args.leagues} leagues: add leagues.")
    if args.report and not args.report.resolve().parent.is_dir():
        raise SettingsError(f"--report {args.report}: its folder does not exist. Make it first.")
    if args.data and args.data.exists() and any(args.data.iterdir()):
        raise SettingsError(f"--data {args.data} is not empty: name a new folder, so that nothing is overwritten.")


def run(house: Embedded, plan: Plan) -> dict[str, Any]:
    """Migrates, plays, waits for every event and proves the boards; returns the report."""
    started = time.monotonic()
    tally = Tally()
    house.migrate()
    house.start(has_clock=False)
    try:
        with _progress() as bar, LagWatch(house) as lag:
            step = _stepper(bar, "leagues open", plan.leagues)
            world = open_world(house, plan)
            populate(house, world, step)
            house.drain()
            recording = time.monotonic()
            play(house, world, tally, _stepper(bar, "completions", plan.completions))
            played = time.monotonic()
            house.drain()
            finish(house, world)
            arrived = time.monotonic()
            bar.add_task("boards are recomputed and compared", total=None)
            proof = prove(house.databases)
    finally:
        house.stop()
    return _report(plan, tally, proof, lag) | {
        "seconds": round(time.monotonic() - started, 1),
        "seconds_playing": round(played - recording, 1),
        "seconds_until_every_board_was_right": round(arrived - recording, 1),
        "completions_per_second": round(tally.accepted / max(played - recording, 0.001), 1),
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def _report(plan: Plan, tally: Tally, proof: Proof, lag: LagWatch) -> dict[str, Any]:
    return {
        "leagues": plan.leagues,
        "players": plan.players,
        "seed": plan.seed,
        "accepted": tally.accepted,
        "refused": sum(tally.refused.values()),
        "refused_by_reason": dict(sorted(tally.refused.items())),
        "withdrawn": tally.withdrawn,
        "resent": tally.resent,
        "joined_late": tally.joined_late,
        "left": tally.left,
        "changed_team": tally.moved,
        "ledger_entries": proof.entries,
        "ledger_entries_expected": proof.entries_expected,
        "boards_checked": proof.boards,
        "boards_wrong": proof.boards_wrong,
        "inconsistencies": proof.inconsistencies,
        "is_right": proof.is_right,
        "what_is_wrong": proof.sentences,
        "event_lag_seconds": lag.summary(),
    }


class LagWatch:
    """Looks four times a second how old the oldest event is that has not reached everybody."""

    def __init__(self, house: Embedded) -> None:
        self._database = house.databases["leagues"]
        self._stop = threading.Event()
        self._counts = [0] * 600  # how often the lag was so many tenths of a second: one minute at most
        self._thread = threading.Thread(target=self._look, name="lag", daemon=True)

    def __enter__(self) -> LagWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._stop.wait(0.25):
            with self._database.transaction(across_tenants(), read_only=True) as session:
                _count, oldest = pending(session)
            age = (utc_now() - oldest).total_seconds() if oldest else 0.0
            self._counts[min(len(self._counts) - 1, max(0, int(age * 10)))] += 1

    def summary(self) -> dict[str, float]:
        """Half of the time at most p50, nearly always at most p95, and the worst; to a tenth of a second."""
        return {name: self._quantile(share) for name, share in (("p50", 0.5), ("p95", 0.95), ("max", 1.0))}

    def _quantile(self, share: float) -> float:
        wanted, seen = share * sum(self._counts), 0
        for tenths, count in enumerate(self._counts):
            seen += count
            if seen >= wanted and seen:
                return (tenths + 1) / 10
        return 0.0


def _progress() -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=Console(file=sys.stderr))


def _stepper(bar: Progress, text: str, total: int) -> Callable[[int], None]:
    task = bar.add_task(text, total=total)
    return lambda steps: bar.advance(task, steps)


def verify(settings: Settings, *, ranking_database: str = "") -> int:
    """Compares the boards with the completions; exit status 1 when one is wrong.

    The embedded mode on its own files delivers what waits before. Anything else is read and not touched: its workers
    deliver, and are waited for as long as they do.
    """
    proof = _delivered(settings) if settings.is_embedded and settings.uses_files else _read(settings, ranking_database)
    for sentence in proof.sentences:
        print(sentence)
    print(
        f"{proof.boards} boards checked, {proof.boards_wrong} wrong; "
        f"{proof.entries} ledger entries, {proof.inconsistencies} inconsistencies"
    )
    return 0 if proof.is_right else 1


def _delivered(settings: Settings) -> Proof:
    house = Embedded(settings)
    house.migrate()
    house.start(has_clock=False)
    try:
        house.drain()
        return prove(house.databases)
    finally:
        house.stop()
        house.close()


def _read(settings: Settings, ranking_database: str) -> Proof:
    with four_databases(settings, ranking_database=ranking_database) as databases:
        for name, database in databases.items():
            if pending_migrations(name, database):
                raise SettingsError(
                    f"The database of {name} is not migrated: run `python -m services.{name} migrate` first."
                )
        waiting, since = waiting_for_ranking(settings, databases), time.monotonic()
        while waiting and time.monotonic() - since < QUIET_SECONDS:
            time.sleep(0.5)
            before, waiting = waiting, waiting_for_ranking(settings, databases)
            since = time.monotonic() if waiting < before else since
        if waiting:
            print(
                f"{waiting} events have not reached ranking and nobody delivers them: are all workers running? "
                "The boards are compared without them.",
                file=sys.stderr,
            )
        return prove(databases)
