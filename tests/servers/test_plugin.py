"""How tests share servers: one of each kind for all processes of a run, and none after it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from unittest.mock import create_autospec

import pytest
from testcontainers.community.kafka import KafkaContainer
from testcontainers.community.postgres import PostgresContainer
from testcontainers.community.redis import RedisContainer

from tests.journeys.waiting import eventually
from tests.servers import containers, guard, kafka, postgres, redis
from tests.servers.plugin import scope_of_test
from tests.servers.process import Owner, OwnServer, Running, free_ports

ROOT = Path(__file__).parents[2]
PREAMBLE = """
import json, os, time
from pathlib import Path
import pytest
from tests.servers.plugin import OWNER

def note(name, redis_server, config):
    run = Path(config.stash[OWNER].folder)
    facts = json.loads((run / "redis.json").read_text())
    pid = int((Path(facts["folder"]) / "server.pid").read_text())
    Path(name).write_text(json.dumps({**facts, "pid": pid, "run": str(run)}))
"""
TWO_TESTS = """
@pytest.mark.parametrize("number", [0, 1])
def test_each_in_a_process_of_its_own(redis_server, pytestconfig, number):
    note(f"{number}.json", redis_server, pytestconfig)
    while not Path(f"{1 - number}.json").exists():  # so that one process cannot run both
        time.sleep(0.01)
"""
A_CRASH = """
def test_that_crashes(redis_server, pytestconfig):
    note("first.json", redis_server, pytestconfig)
    os._exit(1)

def test_that_comes_after(redis_server, pytestconfig):
    note("second.json", redis_server, pytestconfig)
    with redis_server.connect() as client:
        assert client.ping()
"""
A_LONG_ONE = """
def test_that_never_ends(redis_server, pytestconfig):
    note("written.json", redis_server, pytestconfig)
    Path("written.json").rename("only.json")
    time.sleep(600)
"""
ONE_TEST = """
def test_redis(redis_server):
    Path("address").write_text(redis_server.url)
"""


def start_tests(folder: Path, text: str, *options: str, **environment: str) -> subprocess.Popen[str]:
    """A run of pytest of its own, on the tests of a text."""
    (folder / "test_inner.py").write_text(PREAMBLE + text)
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "xdist",
            "-p",
            "tests.servers.plugin",
            "-p",
            "no:cacheprovider",
            *options,
        ],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "CI": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def run_tests(folder: Path, text: str, *options: str, **environment: str) -> str:
    """What such a run has printed at its end."""
    return start_tests(folder, text, *options, **environment).communicate(timeout=120)[0]


def noted(folder: Path) -> list[dict[str, object]]:
    return [json.loads(file.read_text()) for file in sorted(folder.glob("*.json"))]


def is_gone(facts: dict[str, object]) -> bool:
    pids = [int(str(facts["pid"])), int(str(facts["guard"]))]
    folders = [Path(str(facts["folder"])), Path(str(facts["run"]))]
    return not any(guard.is_alive(pid) for pid in pids) and not any(folder.exists() for folder in folders)


def test_the_processes_of_a_run_share_one_server_and_none_is_left_after_it(tmp_path: Path) -> None:
    printed = run_tests(tmp_path, TWO_TESTS, "-n", "2")
    assert "2 passed" in printed
    first, second = noted(tmp_path)
    assert first == second
    assert is_gone(first)


def test_without_xdist_none_is_left_either(tmp_path: Path) -> None:
    printed = run_tests(tmp_path, TWO_TESTS.replace("while not", "while False and not"))
    assert "2 passed" in printed
    assert is_gone(noted(tmp_path)[0])


def test_a_process_that_crashes_does_not_take_the_server_along(tmp_path: Path) -> None:
    printed = run_tests(tmp_path, A_CRASH, "-n", "1")
    assert "1 failed, 1 passed" in printed
    first, second = noted(tmp_path)
    assert first == second
    assert is_gone(first)


def test_a_run_that_is_killed_leaves_no_server(tmp_path: Path) -> None:
    running = start_tests(tmp_path, A_LONG_ONE, "-n", "1")
    eventually((tmp_path / "only.json").exists, 60)
    os.killpg(running.pid, signal.SIGKILL)
    running.communicate()
    eventually(lambda: is_gone(noted(tmp_path)[0]), 30)


@pytest.mark.parametrize(("ci", "outcome"), [("", "1 skipped"), ("true", "1 error")])
def test_a_missing_server_is_a_skip_and_on_continuous_integration_a_failure(
    tmp_path: Path, ci: str, outcome: str
) -> None:
    nowhere = {"PATH": str(tmp_path), "DOCKER_HOST": f"unix://{tmp_path}/docker.sock", redis.VARIABLE: ""}
    printed = run_tests(tmp_path, ONE_TEST, "-rs", CI=ci, **nowhere)
    assert outcome in printed
    assert "apt install redis-server" in printed


def test_an_address_in_the_environment_comes_first(tmp_path: Path) -> None:
    address = "redis://127.0.0.1:1/0"
    assert "1 passed" in run_tests(tmp_path, ONE_TEST, **{redis.VARIABLE: address})
    assert (tmp_path / "address").read_text() == address


def test_docker_does_not_answer_where_nobody_listens(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    for place in (f"unix://{tmp_path}/docker.sock", f"tcp://127.0.0.1:{port}"):
        monkeypatch.setenv("DOCKER_HOST", place)
        containers.docker_answers.cache_clear()
        assert not containers.docker_answers()
    containers.docker_answers.cache_clear()


@pytest.mark.parametrize(
    ("module", "kind", "address"),
    [
        (postgres, PostgresContainer, "postgresql+psycopg://postgres@docker:32768/postgres"),
        (kafka, KafkaContainer, "docker:32768"),
        (redis, RedisContainer, "redis://docker:32768/0"),
    ],
)
def test_where_docker_answers_the_server_is_a_container(
    monkeypatch: pytest.MonkeyPatch, module: object, kind: type, address: str
) -> None:
    """No Docker here: the container is a mock, which knows the names of the real one."""
    container = create_autospec(kind, instance=True, port=6379)
    for chained in ("with_command", "with_env", "with_kraft", "start"):
        if hasattr(container, chained):
            getattr(container, chained).return_value = container
    container.get_container_host_ip.return_value = "docker"
    container.get_exposed_port.return_value = 32768
    container.get_wrapped_container.return_value.id = "cafe"
    for told in ("get_connection_url", "get_bootstrap_server"):
        if hasattr(container, told):
            getattr(container, told).return_value = address
    monkeypatch.setattr(f"{kind.__module__}.{kind.__name__}", lambda *_values, **_more: container)
    monkeypatch.setattr(containers, "docker_answers", lambda: True)
    monkeypatch.setattr(containers, "leave_to_the_end", lambda: None)
    monkeypatch.delenv(module.VARIABLE, raising=False)  # type: ignore[attr-defined]
    assert module.start_shared(Owner(os.getpid())) == Running(address=address, container="cafe")  # type: ignore[attr-defined]
    assert container.start.called


def test_a_server_that_does_not_start_says_what_it_printed() -> None:
    class Broken(OwnServer):
        name = "broken"
        variable = "NONE"
        address = ""

        def command(self) -> list[str]:
            return ["/bin/sh", "-c", "echo I cannot; exit 3"]

        def is_ready(self) -> bool:
            return False

    with Broken() as server:
        with pytest.raises(RuntimeError, match="ended at once:\nI cannot"):
            server.start()
        assert not server.is_running
    assert not server.folder.exists()


def test_whoever_uses_the_installation_is_known_to_the_scheduler(request: pytest.FixtureRequest) -> None:
    for item in request.session.items:
        if "running_stack" in getattr(item, "fixturenames", ()):
            assert scope_of_test(item.nodeid) == "installation", item.nodeid
