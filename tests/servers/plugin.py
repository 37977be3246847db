"""The servers that tests share: each is started when the first test asks for it, and ended with the run.

Loaded by tests/conftest.py. With xdist, the first worker that needs a server starts it and leaves its address in a
file for the others; the controller, which outlives every worker, ends it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar
from uuid import uuid4

import pytest
from filelock import FileLock
from playwright.sync_api import Browser, sync_playwright

from tests.servers import containers, kafka, postgres, process, redis
from tests.servers.process import MissingServer, Owner, OwnServer, Running

if TYPE_CHECKING:
    from tests.servers.stack import Stack

Own = TypeVar("Own", bound=OwnServer)
OF_THE_INSTALLATION = {
    f"test_{name}.py"
    for name in ("crashes", "installation", "pages_in_a_browser", "proof", "scaling", "switch", "traces")
}
TOGETHER = {"test_operators.py", "test_rebuild_from_kafka.py", "test_moving_kafka.py", "test_row_security.py"}
"""They start something slow for all their tests."""
WITHOUT_GRAPHICS_CARD = ("--disable-gpu-rasterization", "--disable-gpu-compositing", "--in-process-gpu")
"""Debian's Chromium asks the card to draw. Where the processor plays the card, it draws a tenth quicker as itself."""
OF_A_LANGUAGE = {"test_every_page.py"}
"""Each language of them is a scope of its own."""
OWNER = pytest.StashKey[Owner]()
STARTERS: dict[str, Callable[[Owner], Running]] = {
    "postgres": postgres.start_shared,
    "kafka": kafka.start_shared,
    "redis": redis.start_shared,
}


def pytest_configure(config: pytest.Config) -> None:
    here = {"pid": os.getpid(), "folder": f"{tempfile.gettempdir()}/mpp-servers-{uuid4()}"}
    config.stash[OWNER] = Owner(**getattr(config, "workerinput", {}).get("servers", here))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With `--dist loadgroup`: tests that share what only one of them may break run in one worker.

    xdist 3.8 itself marks the groups where pytest 9.2 no longer looks.
    """
    if config.getvalue("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return scope_of_test(nodeid)

    return Scheduling(config, log)


def scope_of_test(nodeid: str) -> str:
    """Tests of one scope run in one worker: those of the whole installation, and those of a file that says so."""
    path = Path(nodeid.partition("::")[0])
    if path.parent.name == "browser":
        # One site and one Chromium for all of them; but for those that take as long as all others together.
        return f"browser {nodeid[-3:]}" if path.name in OF_A_LANGUAGE else "browser"
    file = path.name
    if file in OF_THE_INSTALLATION or "[distributed" in nodeid:
        return "installation"
    return file if file in TOGETHER else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tells a worker of xdist where the shared servers are written down, and that they are the controller's."""
    node.workerinput["servers"] = asdict(node.config.stash[OWNER])


def pytest_unconfigure(config: pytest.Config) -> None:
    owner = config.stash.get(OWNER, None)
    if owner is None or owner.pid != os.getpid():
        return
    for file in Path(owner.folder).glob("*.json"):
        running = Running(**json.loads(file.read_text()))
        process.end(running)
        if running.container:
            containers.remove(running.container)
    shutil.rmtree(owner.folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server(pytestconfig: pytest.Config) -> postgres.PostgresServer:
    """The PostgreSQL of this run; it does not wait for the disk. Create databases, do not stop it."""
    return postgres.PostgresServer(_shared(pytestconfig, "postgres"))


@pytest.fixture(scope="session")
def kafka_server(pytestconfig: pytest.Config) -> kafka.KafkaServer:
    """The Kafka of this run. Create topics of names of your own, do not stop it."""
    return kafka.KafkaServer(_shared(pytestconfig, "kafka"))


@pytest.fixture(scope="session")
def redis_server(pytestconfig: pytest.Config) -> redis.RedisServer:
    """The Redis of this run. Use `create_database`, do not stop it."""
    return redis.RedisServer(_shared(pytestconfig, "redis"))


@pytest.fixture(scope="session")
def running_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    from tests.servers.stack import Stack

    try:
        made = Stack(tmp_path_factory.mktemp("stack"))
    except MissingServer as error:
        refuse(str(error))
    with contextlib.closing(made):
        yield made.up()


@pytest.fixture
def stack(running_stack: Stack) -> Stack:
    """The whole installation as real processes, shared by tests that break it: each begins with all of it well."""
    running_stack.mend()
    return running_stack


@pytest.fixture
def start_postgres() -> Iterator[Callable[..., postgres.OwnPostgresServer]]:
    """Starts a PostgreSQL of the test's own, which it may stop and kill; ended with the test."""
    with contextlib.ExitStack() as stack:
        yield lambda **options: stack.enter_context(opened(postgres.OwnPostgresServer, **options))


@pytest.fixture
def start_kafka() -> Iterator[Callable[..., kafka.OwnKafkaServer]]:
    """Starts a Kafka of the test's own, which it may stop and kill; ended with the test."""
    with contextlib.ExitStack() as stack:
        yield lambda **options: stack.enter_context(opened(kafka.OwnKafkaServer, **options))


@pytest.fixture
def start_redis() -> Iterator[Callable[..., redis.OwnRedisServer]]:
    """Starts a Redis of the test's own, which it may stop and kill; ended with the test."""
    with contextlib.ExitStack() as stack:
        yield lambda **options: stack.enter_context(opened(redis.OwnRedisServer, **options))


def refuse(missing: str) -> NoReturn:
    """Skips the test for want of a server; on continuous integration, where all of them must be, fails it."""
    if os.environ.get("CI") == "true":
        pytest.fail(missing, pytrace=False)
    pytest.skip(missing)


@contextlib.contextmanager
def opened(kind: type[Own], **options: Any) -> Iterator[Own]:
    """A server of one's own, for a fixture of any scope; ended after the block."""
    try:
        server = kind.started(**options)
    except MissingServer as error:
        refuse(str(error))
    with server:
        yield server


def _shared(config: pytest.Config, name: str) -> str:
    folder = Path(config.stash[OWNER].folder)
    folder.mkdir(mode=0o700, exist_ok=True)
    file = folder / f"{name}.json"
    with FileLock(folder / f"{name}.lock"):
        if not file.exists():
            try:
                running = STARTERS[name](config.stash[OWNER])
            except MissingServer as error:
                running = Running(missing=str(error))
            file.write_text(json.dumps(asdict(running)))
    running = Running(**json.loads(file.read_text()))
    if running.missing:
        refuse(running.missing)
    return running.address


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The system's Chromium; one for all tests of a process, as playwright wants it."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        refuse("The browser journeys need Chromium: apt install chromium.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", *WITHOUT_GRAPHICS_CARD])
        yield browser
        browser.close()
