"""The metrics that the services really expose: four webs and four workers at work on a real Kafka are asked."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from shared import commands
from shared.monitor import monitor_app
from shared.service import load_service
from shared.worker import Worker
from tests.deploy.commands import SERVICES
from tests.journeys.scene import set_scene
from tests.servers.kafka import OwnKafkaServer

SECONDS = 60.0
Exposed = dict[str, set[str]]
"""Name of a sample -> the names of its labels."""


@contextlib.contextmanager
def at_work(template: Path, folder: Path) -> Iterator[dict[str, FlaskClient]]:
    """A school in mid-edition, with a worker for each service; gives a client for each process, by its name."""
    with contextlib.ExitStack() as stack:
        kafka = stack.enter_context(OwnKafkaServer.started())
        scene = set_scene(template, folder)
        house = scene.house
        stack.callback(house.close)
        invitation = {"roles": ["organiser"], "email": "nour@example.org"}  # a mail, and so a job
        house.client("identity", scene.administrator).post("/identity/api/v1/invitations", json=invitation)
        settings = msgspec.structs.replace(house.settings, bus_url=f"kafka://{kafka.address}", kafka_partitions=2)
        commands.topics("identity", settings)
        clients = {}
        for name in SERVICES:
            service, database = load_service(name), house.databases[name]
            bus = commands.open_kafka(settings)
            stack.callback(bus.close)
            worker = Worker(service, settings, database, bus)
            worker.start()
            stack.callback(worker.stop)
            clients[f"{name}-worker"] = monitor_app(service, database).test_client()
            clients[f"{name}-web"] = house.client(name)
            clients[f"{name}-web"].get(f"/{name}/health/live")
        yield clients


def ask(process: str, client: FlaskClient) -> Exposed:
    """What `/<service>/metrics` of one process says."""
    answered = client.get(f"/{process.partition('-')[0]}/metrics")
    assert answered.status_code == 200, process
    return {
        sample.name: set(sample.labels)
        for family in text_string_to_metric_families(answered.text)
        for sample in family.samples
    }


def ask_all(clients: dict[str, FlaskClient]) -> dict[str, Exposed]:
    """What every process says, once the workers have partitions, and so a lag to tell."""
    until = time.monotonic() + SECONDS
    while True:
        said = {process: ask(process, client) for process, client in clients.items()}
        if any("mpp_consumer_lag_events" in exposed for exposed in said.values()) or time.monotonic() > until:
            return said
        time.sleep(0.1)
