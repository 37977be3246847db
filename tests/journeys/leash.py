"""Ends the processes that a test process has started, when that one is gone: one that is killed cannot do it itself.

`python leash.py` reads from standard input a line for each process group, `+1234` when it starts and `-1234` when it
has ended, and kills those that are left when its input ends. The system ends that with the test process, however it
goes. Standard library only, so that it starts at once and is small.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable

_lock = threading.Lock()
_leash: tuple[int, subprocess.Popen[str]] | None = None


def hold(group: int) -> None:
    """A process group has started: it will not outlive this process."""
    _tell(f"+{group}")


def let_go(group: int) -> None:
    """It has ended; its number may become another's."""
    _tell(f"-{group}")


def _tell(line: str) -> None:
    global _leash
    with _lock:
        if _leash is None or _leash[0] != os.getpid():
            popen = subprocess.Popen(
                [sys.executable, "-ISB", __file__], stdin=subprocess.PIPE, text=True, cwd="/", start_new_session=True
            )
            _leash = os.getpid(), popen
            atexit.register(_end, popen)
        stream = _leash[1].stdin
        assert stream is not None
        stream.write(f"{line}\n")
        stream.flush()


def _end(popen: subprocess.Popen[str]) -> None:
    with popen:  # closes its input, and waits
        pass


def main(lines: Iterable[str]) -> None:
    """Follows the lines to their end, then kills the groups that are left."""
    groups: set[int] = set()
    for line in lines:
        change = groups.add if line[0] == "+" else groups.discard
        change(int(line[1:]))
    for group in groups:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main(sys.stdin)
