"""`python -m tests.servers.wrong_clock SECONDS MODULE ...`: runs a module of ours with a wrong clock.

Python's own clocks are moved, before anything of ours has read them. libfaketime moves those of the C libraries too,
but librdkafka, which every worker has, never comes back from its first wait under it (0.9.10, a clock that is behind).
"""

from __future__ import annotations

import runpy
import sys
import time
from datetime import datetime, timedelta

from shared import clock

right_time, right_now = time.time, clock.utc_now


def main(seconds: float, module: str, *arguments: str) -> None:
    time.time = lambda: right_time() + seconds

    def utc_now() -> datetime:
        return right_now() + timedelta(seconds=seconds)

    clock.utc_now = utc_now
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(float(sys.argv[1]), *sys.argv[2:])
