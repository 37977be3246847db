"""Starting and stopping, on machines where all is well and on others."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from services.__main__ import check_disk, explain, main
from services.demo import DEMO_PASSWORD, DEMO_PEOPLE
from shared.settings import SettingsError
from tests.journeys.people import Person, found
from tests.journeys.process import ROOT, Process, Services, free_port, run, run_anyway
from tests.journeys.waiting import eventually

COUNTED = ("players", "leagues", "editions", "completions")


def counters(services: Services) -> dict[str, int]:
    counted: dict[str, int] = Person(services.url).get("ranking/counters")
    return counted


def refuses(done: subprocess.CompletedProcess[str], *words: str) -> str:
    """A start that failed as it should: not zero, one sentence that has these words, no traceback."""
    assert done.returncode not in (0, None), done.stdout
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("ma-petite-planete: ")
    for word in words:
        assert word in lines[0], f"“{word}” is not in: {lines[0]}"
    return lines[0]


def serve(folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    return run_anyway("-m", "services", env={"MPP_DATA": str(folder), "MPP_PORT": str(free_port())} | settings)


# --- what is there after a start ---


def test_a_start_without_the_demo_is_empty_and_a_second_one_keeps_everything(start: Callable[..., Services]) -> None:
    services = start()
    assert [counters(services)[name] for name in COUNTED] == [0] * 4
    assert Person(services.url).get("challenges/challenges"), "the catalogue is loaded"
    head = found(services.url)
    edition = head.open_edition()
    assert services.stop() == 0
    again = start(services.folder, services.port)
    assert head.get("identity/me")["tenant"]["name"] == "École des Tilleuls", "even the token holds"
    assert head.get(f"leagues/editions/{edition['edition_id']}")["name"] == "Printemps"
    eventually(lambda: counters(again)["editions"] == 1)
    again.stop()
    with_demo = start(services.folder, demo=True)
    assert "No demo: it is opened in an empty data folder only" in with_demo.log
    assert DEMO_PASSWORD not in with_demo.log, "accounts that are not there are not promised"


def test_the_demo_is_in_mid_game_and_its_accounts_sign_in(start: Callable[..., Services]) -> None:
    services = start(demo=True)
    counted = counters(services)
    assert counted["leagues"] == 7
    assert counted["players"] > 80
    assert counted["completions"] > 500
    for person in DEMO_PEOPLE:
        assert person.email in services.log
        somebody = Person(services.url)
        somebody.email = person.email
        somebody.sign_in(DEMO_PASSWORD)
        assert person.role in somebody.get("identity/me")["roles"]
        if person.role != "operator":
            assert [edition["phase"] for edition in somebody.get("leagues/editions")] == ["running"]
            league = somebody.get("leagues/leagues")[0]
            assert sum(somebody.points(f"leagues/{league['league_id']}/teams").values()) > 0
    assert services.stop() == 0
    again = start(services.folder, demo=True)
    assert counters(again) == counted
    assert "Opening the demo" not in again.log.partition("Stop with Ctrl-C")[2], "the second start makes no demo"


# --- how it stops ---


@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM"])  # Ctrl-C, which the whole group gets, is what stop() does
def test_it_stops_cleanly(start: Callable[..., Services], how: str) -> None:
    services = start()
    services.send(signal.Signals[how])
    assert services.wait(10) == 0, services.log
    eventually(services.group_is_gone, 2)
    assert "Traceback" not in services.log


def test_ctrl_c_while_the_demo_opens_leaves_nothing_behind(watch: Callable[[Any], Any], tmp_path: Path) -> None:
    data = tmp_path / "data"
    services = watch(Services(data, free_port(), has_demo=True, env={}))
    eventually((data / "databases.new" / "ranking.db").exists, 60)
    services.interrupt()
    assert services.wait(20) != 0
    eventually(services.group_is_gone, 2)
    assert "Traceback" not in services.log, services.log
    assert not (data / "databases").exists(), "the next start opens the whole demo"


def test_a_worker_that_dies_is_replaced_and_none_is_left_alone(start: Callable[..., Services]) -> None:
    services = start()
    head = found(services.url)
    [worker] = children_of(services.pid)
    os.kill(worker, signal.SIGKILL)
    eventually(lambda: children_of(services.pid) not in ([], [worker]), 30)
    eventually(lambda: is_answered(head), 30)
    head.open_edition()
    eventually(lambda: counters(services)["editions"] == 1, 10)
    services.send(signal.SIGKILL)
    services.wait(5)
    eventually(services.group_is_gone, 30)


def children_of(pid: int) -> list[int]:
    """The processes a process has started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_answered(person: Person) -> bool:
    try:
        return person.ask("GET", "identity/me").ok
    except requests.ConnectionError:
        return False


# --- machines on which it cannot start ---


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refuses(serve(tmp_path / "data", MPP_PORT=str(port)), str(port), "in use", "PORT=")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("MPP_PORT", "a lot", ["MPP_PORT"]),
        ("MPP_PORT", "99999", ["between 1 and 65535"]),
        ("MPP_HOST", "203.0.113.7", ["203.0.113.7"]),
        ("MPP_DATABASE_URL", "sqlite:///x.db", ["{service}"]),
        ("MPP_BUS_URL", "kafka://localhost", ["MPP_BUS_URL"]),
        ("MPP_SIGN_IN_ATTEMPTS", "many", ["MPP_SIGN_IN_ATTEMPTS"]),
        ("MPP_RATE_LIMITS_URL", "abacus://", ["MPP_RATE_LIMITS_URL"]),
        ("MPP_LOG_LEVEL", "LOUD", ["MPP_LOG_LEVEL"]),
        ("MPP_SMTP_URL", "http://mail", ["MPP_SMTP_URL"]),
    ],
)
def test_a_setting_that_cannot_be(
    tmp_path: Path,
    name: str,
    value: str,
    words: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In this process, for a tenth of the time: each is refused before anything is served."""
    for setting in (setting for setting in os.environ if setting.startswith("MPP_")):
        monkeypatch.delenv(setting)
    for setting, given in {"MPP_DATA": str(tmp_path / "data"), "MPP_PORT": str(free_port()), name: value}.items():
        monkeypatch.setenv(setting, given)
    monkeypatch.setattr("services.__main__.configure_logging", lambda *_: None)
    status = main([])
    refuses(subprocess.CompletedProcess([], status, *capsys.readouterr()), *words)


def test_a_setting_that_is_none_of_ours(tmp_path: Path) -> None:
    refuses(serve(tmp_path / "data", MPP_PROT="9000"), "Unknown setting MPP_PROT", "MPP_PORT")


def as_an_ordinary_user() -> list[str]:
    """Root may write anywhere: so it gives that up before it starts Python."""
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    assert setpriv, "as root this test needs setpriv: apt install util-linux"
    return [setpriv, "--bounding-set=-dac_override,-dac_read_search"]


@contextlib.contextmanager
def locked(*paths: Path) -> Iterator[None]:
    """For a while nobody may write these."""
    modes = {path: path.stat().st_mode for path in paths}
    for path in paths:
        path.chmod(modes[path] & ~0o222)
    yield
    for path, mode in modes.items():
        path.chmod(mode)


@pytest.mark.parametrize("rest", ["", "deeper"])
def test_a_data_folder_that_cannot_be_written(tmp_path: Path, rest: str) -> None:
    env = {"MPP_DATA": str(tmp_path / rest), "MPP_PORT": str(free_port())}
    with locked(tmp_path):
        refuses(run_anyway("-m", "services", env=env, before=as_an_ordinary_user()), str(tmp_path), "MPP_DATA")


def test_databases_that_cannot_be_written(tmp_path: Path) -> None:
    """The folder can be written; what lies in it belongs to somebody else."""
    env = {"MPP_DATA": str(tmp_path), "MPP_PORT": str(free_port())}
    run("-m", "services.identity", "migrate", env=env)
    with locked(*(tmp_path / "databases").iterdir(), tmp_path / "databases"):
        for command in (("services",), ("services.leagues", "migrate")):
            refuses(run_anyway("-m", *command, env=env, before=as_an_ordinary_user()))


@pytest.mark.parametrize("rest", ["", "below"])
def test_a_data_folder_that_is_a_file(tmp_path: Path, rest: str) -> None:
    (tmp_path / "data").write_text("not a folder")
    refuses(serve(tmp_path / "data" / rest), "data", "MPP_DATA")


@pytest.mark.parametrize("command", ["serve", "verify"])
def test_a_database_of_a_newer_version(tmp_path: Path, command: str) -> None:
    data = tmp_path / "data"
    run("-m", "services.leagues", "migrate", env={"MPP_DATA": str(data)})
    with contextlib.closing(sqlite3.connect(data / "databases" / "leagues.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    env = {"MPP_DATA": str(data), "MPP_PORT": str(free_port())}
    refuses(run_anyway("-m", "services", command, env=env), "leagues", "9999", "newer version")


@pytest.mark.parametrize("command", [("services",), ("services", "verify"), ("services.leagues", "migrate")])
def test_a_database_that_is_none(tmp_path: Path, command: tuple[str, ...]) -> None:
    databases = tmp_path / "data" / "databases"
    databases.mkdir(parents=True)
    (databases / "leagues.db").write_text("This is no database, but a love letter to one.\n" * 200)
    env = {"MPP_DATA": str(tmp_path / "data"), "MPP_PORT": str(free_port())}
    refuses(run_anyway("-m", *command, env=env), "leagues.db")
    assert (databases / "leagues.db").read_text().startswith("This is no database"), "nothing was overwritten"


def test_simulate_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    refuses(run_anyway("-m", "services", "simulate", "--data", str(tmp_path)), "not empty")
    refuses(run_anyway("-m", "services", "simulate", "--leagues", "0"), "--leagues")
    refuses(run_anyway("-m", "services", "simulate", "--report", str(tmp_path / "no" / "r.json")), "--report")


# --- make setup, on poor machines ---


class Machine:
    """A copy of what `make setup` reads, on a machine with these commands only."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.tree = folder / "tree"
        self.bin.mkdir()
        (self.tree / "deploy").mkdir(parents=True)
        for name in ("deploy/setup.sh", "Makefile", "pyproject.toml", "requirements.lock"):
            shutil.copy(ROOT / name, self.tree / name)
        for tool in ("sh", "dirname", "df", "awk", "rm", "touch", "cat", "env"):
            where = shutil.which(tool)
            assert where, f"this test needs {tool}"
            (self.bin / tool).symlink_to(where)

    def has(self, name: str, script: str) -> Path:
        """A command of this machine."""
        path = self.bin / name
        path.unlink(missing_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    def setup(self, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/sh", "deploy/setup.sh"],
            cwd=self.tree,
            env={"PATH": str(self.bin), **env},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )


OLD_PYTHON = 'case "$1" in --version) echo "Python 3.8.2" ;; *) exit 1 ;; esac'
BARE_PYTHON = """case "$1$2" in
--version) echo "Python 3.11.2" ;;
*version_info*) exit 0 ;;
*) exit 1 ;;
esac"""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_setup_with_an_old_python(machine: Machine) -> None:
    machine.has("python3", OLD_PYTHON)
    old = machine.has("python3.8", OLD_PYTHON)
    for env in ({}, {"PYTHON": str(old)}):
        refuses(machine.setup(**env), "Python 3.11 or newer", "3.8.2", "apt install", "PYTHON=")
    assert not (machine.tree / ".venv").exists()


def test_setup_without_any_python(machine: Machine) -> None:
    refuses(machine.setup(), "Python 3.11 or newer", "none at all", "apt install")


def test_setup_with_a_python_that_has_no_venv(machine: Machine) -> None:
    machine.has("python3", OLD_PYTHON)
    bare = machine.has("python3.11", BARE_PYTHON)
    for env in ({}, {"PYTHON": str(bare)}):
        refuses(machine.setup(**env), "venv", "apt install python3-venv")
    assert not (machine.tree / ".venv").exists()


def test_setup_on_a_full_disk(machine: Machine) -> None:
    machine.has("python3", BARE_PYTHON)
    machine.has("df", 'echo "Filesystem 1K Used Avail Use% On"; echo "/dev/x 100000 90000 10240 90% /"')
    refuses(machine.setup(), "10 MB", "free 500 MB")


def test_setup_when_the_network_is_away(machine: Machine) -> None:
    """pip fails: its own words are shown, then ours, and the next `make` tries again."""
    machine.has("cp", f'exec {shutil.which("cp")} "$@"')
    machine.has("mkdir", f'exec {shutil.which("mkdir")} "$@"')
    pip = 'case "$1" in -m) echo "ERROR: no route to host" >&2; exit 1 ;; *) exit 0 ;; esac'
    fake = machine.has("pip-python", pip)
    make = f'mkdir -p "$3/bin" && cp {fake} "$3/bin/python"'
    machine.has("python3", f'case "$1$2" in --version) echo "Python 3.12.1" ;; -mvenv) {make} ;; *) exit 0 ;; esac')
    done = machine.setup()
    assert done.returncode != 0
    assert "no route to host" in done.stderr
    assert "packages could not be installed" in done.stderr
    assert not (machine.tree / ".venv" / ".ready").exists()


def test_every_process_of_these_tests_is_one_group(watch: Callable[[Any], Any], tmp_path: Path) -> None:
    """What stops the processes of a failed test: a killed group leaves nobody."""
    script = "import subprocess, sys, time; subprocess.Popen(['sleep', '60']); print('up', flush=True); time.sleep(60)"
    process = watch(Process(["-c", script], tmp_path / "log"))
    eventually(lambda: "up" in process.log)
    process.kill()
    assert process.group_is_gone()


def test_a_nearly_full_disk_stops_the_start_with_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mock: a disk is not filled for a test."""
    monkeypatch.setattr("shutil.disk_usage", lambda _folder: SimpleNamespace(free=1024))
    with pytest.raises(SettingsError, match="nearly full: free 200 MB"):
        check_disk(tmp_path)


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left"), sqlite3.OperationalError("database or disk is full")]
)
def test_a_disk_that_fills_up_gets_a_sentence(error: Exception) -> None:
    assert "The disk is full: free some room where data is" in str(explain(error, "data"))
