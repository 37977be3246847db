"""`python -m tests.servers.soak --minutes N`: faults at random under load, again and again, with a proof after each.

What was drawn is printed with its seed: the same seed draws the same faults.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.journeys.history import Load
from tests.journeys.people import found
from tests.servers.faults import FAULTS, Fault
from tests.servers.process import MissingServer
from tests.servers.proof import prove
from tests.servers.stack import Stack


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.servers.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long at least (default 10)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6), help="draws the faults")
    args = parser.parse_args()
    if args.minutes <= 0:
        parser.error("--minutes must be more than 0")
    print(f"seed {args.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="mpp-soak-") as folder:
        try:
            stack = Stack(Path(folder))
        except MissingServer as error:
            print(error, file=sys.stderr)
            return 2
        with contextlib.closing(stack):
            soak(stack.up(), args.minutes * 60, random.Random(args.seed))
    return 0


def soak(stack: Stack, seconds: float, draw: random.Random) -> None:
    """Rounds until the time is over. Raises AssertionError for the first promise that was broken."""
    until = time.monotonic() + seconds
    rounds = accepted = unknown = 0
    while time.monotonic() < until:
        rounds += 1
        chosen = [draw.choice(sorted(CHOICE)) for _ in range(draw.randint(1, 3))]
        per_second = draw.choice((10.0, 30.0, 60.0))
        print(f"round {rounds}, {per_second:.0f} a second: {', then '.join(chosen)}", flush=True)
        began = time.monotonic()
        with Load(found(stack.url), per_second=per_second, seed=draw.randrange(10**6)) as load:
            for fault in chosen:
                load.goes_on(10)
                CHOICE[fault](stack, load)
                stack.mend()
            load.goes_on(10)
        left_open = len(load.history.unknown("record") | load.history.unknown("withdraw"))
        prove(stack, load)
        accepted, unknown = accepted + load.history.accepted, unknown + left_open
        print(f"  {load.history.accepted} accepted, proved, {time.monotonic() - began:.0f} s", flush=True)
    print(
        f"{rounds} rounds, {accepted} requests accepted, {unknown} that nobody was told about: nothing lost, none twice"
    )


def alone(fault: Fault) -> Fault:
    """A fault that expects one process of each kind: the others are ended first."""

    def happen(stack: Stack, load: Load) -> None:
        stack.scale("ranking-worker", 1)
        fault(stack, load)

    return happen


def scale(count: int) -> Fault:
    """As many ranking workers."""
    return lambda stack, _load: stack.scale("ranking-worker", count)


def killed(name: str) -> Fault:
    """kill -9 of a process, whatever it is doing."""
    return lambda stack, _load: stack.of(name)[0].kill()


CHOICE: dict[str, Callable[[Stack, Load], None]] = {
    **{name: alone(fault) for name, fault in FAULTS.items()},
    **{f"{count} ranking workers": scale(count) for count in (1, 2, 4)},
    **{
        f"{service}-{role} is killed": killed(f"{service}-{role}")
        for service in ("identity", "leagues", "ranking")
        for role in ("web", "worker")
    },
}


if __name__ == "__main__":
    sys.exit(main())
