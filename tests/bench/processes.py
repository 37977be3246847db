"""What processes cost while something is measured: processor time and memory, read from /proc."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import mean

from tests.servers.guard import children_of

TICKS = os.sysconf("SC_CLK_TCK")
MIB = 2**20


class Spent:
    """Processor time of some processes and all they start, from now on; given by name, as process ids."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = dict(pids)
        self._began = time.monotonic()
        self._before = {name: _seconds_of(pid) for name, pid in self._pids.items()}

    def cores(self) -> dict[str, float]:
        """How many processors each kept busy since the beginning; 1.0 is one whole."""
        passed = time.monotonic() - self._began
        return {name: (_seconds_of(pid) - self._before[name]) / passed for name, pid in self._pids.items()}


def _seconds_of(pid: int) -> float:
    """Of a process, of its children that live, and of those that it has waited for."""
    seconds = _times(pid, with_ended=True)
    return seconds + sum(_times(child, with_ended=False) for child in children_of(pid))


def _times(pid: int, *, with_ended: bool) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return sum(int(field) for field in fields[11 : 15 if with_ended else 13]) / TICKS


def resident_mib(pid: int) -> float:
    """The memory a process holds."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MIB


def growth(samples: list[float], *, warm_up: float = 0.25) -> float:
    """The last third of the samples to the first third, after a share of them that does not count."""
    counted = samples[int(len(samples) * warm_up) :]
    third = max(1, len(counted) // 3)
    return mean(counted[-third:]) / mean(counted[:third])
