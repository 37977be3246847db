"""`python -m tests.servers.broken_thread FILE MODULE ...`: runs a module of ours that breaks once FILE is there.

No input is known to do this to it: what is passing is tried again, what is invalid is parked.
"""

from __future__ import annotations

import runpy
import sys
import threading
from pathlib import Path

from shared.consumer import Consumer

handle = Consumer.handle


def main(file: str, module: str, *arguments: str) -> None:
    def broken(self: Consumer, batch: list[bytes]) -> None:
        if Path(file).exists():
            raise RuntimeError(f"broken on purpose, in {threading.current_thread().name}")
        handle(self, batch)

    Consumer.handle = broken  # type: ignore[method-assign]
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
