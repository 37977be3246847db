"""The real thing: `python -m services` as a process of its own, on a port and a folder of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import requests

from tests.journeys import leash
from tests.journeys.waiting import eventually

ROOT = Path(__file__).parent.parent.parent
SERVICES = ("identity", "challenges", "leagues", "ranking")
START_SECONDS = 90.0  # the demo takes some ten seconds alone, and more beside the other tests
STOP_SECONDS = 10.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def clean_environment(**more: str) -> dict[str, str]:
    """The environment without our own settings, and with `more`."""
    return {name: value for name, value in os.environ.items() if not name.startswith("MPP_")} | more


def run(*arguments: str, env: Mapping[str, str] | None = None, seconds: float = 120, **more: object) -> str:
    """Runs `python ARGUMENTS` to its end; returns what it printed. Fails when it fails."""
    done = run_anyway(*arguments, env=env, seconds=seconds, **more)
    assert done.returncode == 0, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def run_anyway(
    *arguments: str,
    env: Mapping[str, str] | None = None,
    seconds: float = 120,
    before: Sequence[str] = (),
    **more: object,
) -> subprocess.CompletedProcess[str]:
    """Runs `python ARGUMENTS` to its end, whatever that is; `before` is a program that starts it."""
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        [*before, sys.executable, *arguments],
        cwd=ROOT,
        env=clean_environment(**(env or {})),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        **more,
    )


class Process:
    """A process and its children, which are one group: stopped together, whatever happens, and never left behind.

    `before` is a program that starts it.
    """

    def __init__(
        self, arguments: Sequence[str], log: Path, env: Mapping[str, str] | None = None, before: Sequence[str] = ()
    ) -> None:
        self.log_file = log
        with log.open("ab") as output:
            self._popen = subprocess.Popen(
                [*before, sys.executable, *arguments],
                cwd=ROOT,
                env=clean_environment(**(env or {})),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid = self._popen.pid
        leash.hold(self.pid)

    @property
    def log(self) -> str:
        """What it has printed so far."""
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    @property
    def is_running(self) -> bool:
        return self._popen.poll() is None

    def group_is_gone(self) -> bool:
        """Whether not one process of the group is left."""
        try:
            os.killpg(self.pid, 0)
        except ProcessLookupError:
            return True
        return False

    def send(self, number: signal.Signals) -> None:
        """A signal to the first process alone, as `kill` and a supervisor send it."""
        self._popen.send_signal(number)

    def interrupt(self) -> None:
        """Ctrl-C: a terminal sends SIGINT to the whole group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGINT)

    def wait(self, seconds: float = STOP_SECONDS) -> int:
        """The exit status."""
        try:
            return self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {seconds} s:\n{self.log}") from None

    def stop(self, seconds: float = STOP_SECONDS) -> int:
        """Ctrl-C, then waits; returns the exit status."""
        self.interrupt()
        try:
            return self.wait(seconds)
        finally:
            self.kill()

    def kill(self) -> None:
        """SIGKILL to the whole group. Harmless when nothing is left."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._popen.wait(10)
        eventually(self.group_is_gone, 10)
        leash.let_go(self.pid)


class Services(Process):
    """The four services on one port."""

    def __init__(self, folder: Path, port: int, *, has_demo: bool, env: Mapping[str, str]) -> None:
        self.folder = folder
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        settings = {"MPP_DATA": str(folder), "MPP_PORT": str(port), **env}
        arguments = ["-m", "services", "serve", *(["--demo"] if has_demo else [])]
        super().__init__(arguments, folder.parent / f"{folder.name}.log", settings)

    @property
    def mail_folder(self) -> Path:
        """Where its mails are."""
        return self.folder / "mail"

    def command(self, service: str, *arguments: str, **more: object) -> str:
        """Runs `python -m services.<service> ARGUMENTS` beside it; returns what it printed."""
        return run("-m", f"services.{service}", *arguments, env={"MPP_DATA": str(self.folder)}, **more)

    def wait_until_ready(self) -> None:
        """Until all four say so. Fails at once when the process has ended."""
        session = requests.Session()

        def is_ready() -> bool:
            if not self.is_running:
                return True
            try:
                answers = [session.get(f"{self.url}/{name}/health/ready", timeout=5) for name in SERVICES]
            except requests.RequestException:
                return False
            return all(answer.status_code == 200 for answer in answers)

        try:
            eventually(is_ready, START_SECONDS, pause=0.1)
            assert self.is_running, f"the services ended at once:\n{self.log}"
        except BaseException:
            self.kill()
            raise


def start_services(
    folder: Path, port: int | None = None, *, demo: bool = False, env: Mapping[str, str] | None = None
) -> Services:
    """Starts the four services and waits until all of them are ready."""
    services = Services(folder, port or free_port(), has_demo=demo, env=env or {})
    services.wait_until_ready()
    return services
