"""Ends a server whose owner is gone. Runs beside each server, as `python guard.py OWNER FOLDER SIGNAL [FOLDER_OF_RUN]`.

A test process that crashes, or that somebody kills, cannot stop what it started: this does. Standard library only, so
that it starts at once and is small.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path

PID_FILE = "server.pid"
END_SECONDS = 10.0


def is_alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in ("Z", "X")


def children_of(pid: int) -> list[int]:
    """The processes that a process has started itself."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            text = stat.read_text(encoding="utf-8", errors="replace")
            if int(text.rpartition(")")[2].split()[1]) == pid:
                found.append(int(stat.parent.name))
    return found


def kill(pids: Iterable[int], number: int = signal.SIGKILL) -> None:
    """Sends a signal to those that still are there."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def wait_for_the_end(pids: list[int], seconds: float) -> bool:
    """Whether all of them have ended within `seconds`."""
    until = time.monotonic() + seconds
    while any(is_alive(pid) for pid in pids):
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def end(folder: Path, number: int) -> None:
    """Ends the server of a folder, gently first, and removes the folder."""
    with contextlib.suppress(FileNotFoundError, ValueError):
        pid = int((folder / PID_FILE).read_text())
        family = [pid, *children_of(pid)]
        kill([pid], number)
        kill(family, signal.SIGCONT)  # one that is frozen hears nothing
        if not wait_for_the_end(family, END_SECONDS):
            kill(family)
            wait_for_the_end(family, END_SECONDS)
    shutil.rmtree(folder, ignore_errors=True)


def main(owner: int, folder: Path, number: int, *folders_of_run: Path) -> None:
    """Waits for the owner's end; or for the server's folder's, which says that there is nothing left to do."""
    while folder.exists():
        if not is_alive(owner):
            end(folder, number)
            for left in folders_of_run:
                shutil.rmtree(left, ignore_errors=True)
            return
        time.sleep(1)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), *map(Path, sys.argv[4:]))
