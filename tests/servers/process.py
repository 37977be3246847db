"""A server program as a process of one's own: on a folder and ports of its own, and never left behind."""

from __future__ import annotations

import os
import pwd
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from tests.servers import guard

DISK = "/var/tmp"
START_SECONDS = 60.0
PORTS = range(20000, 32000)
"""Below the ports that the kernel hands out: a server that restarts finds its own port free."""
_detached: list[subprocess.Popen[bytes]] = []


class MissingServer(Exception):
    """A server cannot run on this machine; the message is one sentence that says what to install."""


@dataclass(frozen=True)
class Owner:
    """The process whose end ends a server too; `folder` is one that its run leaves behind when it is killed."""

    pid: int
    folder: str = ""


@dataclass(frozen=True)
class Running:
    """A server that runs, told so that another process can use and end it."""

    address: str = ""
    folder: str = ""
    guard: int = 0
    end_signal: int = 0
    container: str = ""
    missing: str = ""
    """Why it does not run after all."""


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listens on, all different."""
    found: list[int] = []
    while len(found) < count:
        port = random.SystemRandom().choice(PORTS)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in found:
            found.append(port)
    return found


def answers(port: int) -> bool:
    """Whether somebody listens on a port of 127.0.0.1."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


class OwnServer(ABC):
    """A server program that this process starts, stops and kills; its data stay until `close`.

    Its owner is this process, if nothing is said.
    """

    name: ClassVar[str]
    variable: ClassVar[str]
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    """Asks the server to stop as an operator would."""
    end_signal: ClassVar[signal.Signals] = signal.SIGKILL
    """Ends it when its data are no longer wanted."""

    def __init__(self, *, user: str | None = None, owner: Owner | None = None) -> None:
        if not sys.platform.startswith("linux"):
            raise MissingServer(
                f"A {self.name} of one's own needs Linux: start Docker, or name one in {self.variable}."
            )
        self.folder = Path(tempfile.mkdtemp(prefix=f"mpp-{self.name}-", dir=DISK))
        self.log_file = self.folder / "server.log"
        self._user = user
        if user is not None:
            account = pwd.getpwnam(user)
            os.chown(self.folder, account.pw_uid, account.pw_gid)
        self._popen: subprocess.Popen[bytes] | None = None
        owner = owner or Owner(os.getpid())
        left = [owner.folder] if owner.folder else []
        told = [str(owner.pid), str(self.folder), str(int(self.end_signal)), *left]
        self._guard = subprocess.Popen(
            [sys.executable, "-ISB", guard.__file__, *told],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @abstractmethod
    def command(self) -> Sequence[str]:
        """The program and its arguments; it must stay in the foreground."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Whether it answers."""

    @property
    @abstractmethod
    def address(self) -> str:
        """What another process needs to use it."""

    @property
    def log(self) -> str:
        """What it has printed so far."""
        return self.log_file.read_text(encoding="utf-8", errors="replace") if self.log_file.exists() else ""

    @property
    def pid(self) -> int:
        """The first process of the server."""
        assert self._popen is not None, f"{self.name} is not running"
        return self._popen.pid

    @property
    def is_running(self) -> bool:
        """Whether the process is there."""
        return self._popen is not None and self._popen.poll() is None

    @classmethod
    def started(cls, **options: Any) -> Self:
        """One that answers already; the options are those of its kind."""
        server = cls(**options)
        try:
            return server.start()
        except BaseException:
            server.close()
            raise

    def run(self, *command: str) -> str:
        """Runs a program of the server's to its end, as the server's user; returns what it printed."""
        done = subprocess.run(command, capture_output=True, text=True, check=False, **self._where())
        if done.returncode:
            raise RuntimeError(f"{command[0]} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return str(done.stdout)

    def start(self) -> Self:
        """Starts it on its data and ports, and waits until it answers."""
        assert not self.is_running, f"{self.name} is running already"
        with self.log_file.open("ab") as log:
            self._popen = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **self._where(),
            )
        (self.folder / guard.PID_FILE).write_text(str(self.pid))
        until = time.monotonic() + START_SECONDS
        while not self.is_ready():
            ended = self._popen.poll() is not None
            if ended or time.monotonic() > until:
                log_so_far = self.log
                self.kill()
                raise RuntimeError(f"{self.name} {'ended at once' if ended else 'does not answer'}:\n{log_so_far}")
            time.sleep(0.05)
        return self

    def stop(self) -> None:
        """Stops it as an operator does, and waits for its end."""
        if self._popen is not None:
            self._popen.send_signal(self.stop_signal)
            self._popen.wait(START_SECONDS)
        self._ended()

    def kill(self) -> None:
        """SIGKILL to all of it at once, as a power cut does; the data stay as they are."""
        if self._popen is not None:
            family = [self._popen.pid, *guard.children_of(self._popen.pid)]
            guard.kill(family)
            self._popen.wait(START_SECONDS)
            assert guard.wait_for_the_end(family, START_SECONDS), f"{self.name} cannot be killed"
        self._ended()

    def restart(self) -> None:
        """Stops and starts it, on the same data and ports."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Freezes all of it: connections stay open, and nobody answers."""
        guard.kill([self.pid, *guard.children_of(self.pid)], signal.SIGSTOP)

    def resume(self) -> None:
        """Lets it go on."""
        guard.kill([self.pid, *guard.children_of(self.pid)], signal.SIGCONT)

    def close(self) -> None:
        """Ends it, and removes its data."""
        guard.end(self.folder, self.end_signal)
        if self._popen is not None:
            self._popen.wait()
        self._guard.kill()
        self._guard.wait()

    def detach(self) -> Running:
        """Lets go of it: it lives until `end` or its owner's end."""
        assert self._popen is not None, f"{self.name} is not running"
        _detached.extend((self._popen, self._guard))
        return Running(address=self.address, folder=str(self.folder), guard=self._guard.pid, end_signal=self.end_signal)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _ended(self) -> None:
        self._popen = None
        (self.folder / guard.PID_FILE).unlink(missing_ok=True)

    def _where(self) -> dict[str, Any]:
        where: dict[str, Any] = {"cwd": self.folder}
        if self._user is not None:
            group = pwd.getpwnam(self._user).pw_gid
            where |= {"user": self._user, "group": group, "extra_groups": [group]}
        return where


def end(running: Running) -> None:
    """Ends a server that some process of these tests let go of."""
    if running.folder:
        guard.end(Path(running.folder), running.end_signal)
        guard.kill([running.guard])
        guard.wait_for_the_end([running.guard], guard.END_SECONDS)
    for popen in _detached:
        popen.poll()
