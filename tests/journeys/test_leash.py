from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.journeys.process import ROOT
from tests.journeys.waiting import eventually
from tests.servers.guard import is_alive

A_RUN = """
import sys, time
from pathlib import Path
from tests.journeys.process import Process

ended, left = (Process(["-c", "import time; time.sleep(600)"], Path(sys.argv[1]) / name) for name in ("1.log", "2.log"))
ended.kill()
print(ended.pid, left.pid, flush=True)
time.sleep(600)
"""


def test_what_a_run_has_started_ends_with_it_even_when_it_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", A_RUN, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        ended, left = (int(word) for word in run.stdout.readline().split())
        assert not is_alive(ended)
        assert is_alive(left)
        run.kill()
    eventually(lambda: not is_alive(left), 10)
