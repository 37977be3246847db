"""docker-compose.yml against the compose specification, and against rules of our own."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from compose_spec import ComposeSpecification, parse_duration

from shared.settings import Settings, read_settings
from tests.deploy import compose
from tests.deploy.commands import SERVICES, roles_of, unknown_settings

SECRET = re.compile(r"PASSWORD|SECRET|TOKEN")
EXAMPLE = compose.ROOT / "deploy" / "example.env"
SERVERS = {"postgres", "kafka", "redis", "gateway"}
ENVIRONMENT = {
    name: value or ("feed" * 16 if SECRET.search(name) else "")
    for name, value in compose.read_env_file(EXAMPLE).items()
}
FILE = compose.read(ENVIRONMENT)
OURS = {name: service for name, service in FILE["services"].items() if name not in SERVERS}


def lost(written: Any, understood: Any, path: str = "") -> Iterator[str]:
    """The places of the file that the specification's model does not know, and so leaves out."""
    if isinstance(written, dict):
        for key, value in written.items():
            if str(key).startswith("x-"):
                continue
            if not isinstance(understood, dict) or key not in understood:
                yield f"{path}.{key}"
            else:
                yield from lost(value, understood[key], f"{path}.{key}")
    elif isinstance(written, list) and isinstance(understood, list):
        for index, (ours, theirs) in enumerate(zip(written, understood, strict=False)):
            yield from lost(ours, theirs, f"{path}[{index}]")


def understood(file: dict[str, Any]) -> Any:
    return ComposeSpecification.model_validate(file).model_dump(by_alias=True, exclude_unset=True, mode="json")


def test_the_file_follows_the_compose_specification() -> None:
    assert not list(lost(FILE, understood(FILE)))


def test_a_typing_mistake_in_the_file_would_be_found() -> None:
    wrong = compose.read(ENVIRONMENT)
    wrong["services"]["redis"]["healthcheck"]["tset"] = ["CMD", "true"]
    assert list(lost(wrong, understood(wrong))) == [".services.redis.healthcheck.tset"]


def test_every_service_has_a_migrate_a_web_and_a_worker() -> None:
    assert set(OURS) == {"topics"} | {f"{name}-{role}" for name in SERVICES for role in ("migrate", "web", "worker")}


@pytest.mark.parametrize("name", OURS)
def test_every_command_exists(name: str) -> None:
    module, role = OURS[name]["command"]
    assert role in roles_of(module)
    if name != "topics":
        assert name == f"{module.removeprefix('services.')}-{role}"


@pytest.mark.parametrize("name", OURS)
def test_every_setting_is_known_and_can_be_read(name: str) -> None:
    environment = OURS[name]["environment"]
    assert not unknown_settings(environment)
    settings = read_settings(environment)
    assert not settings.is_embedded
    assert urlsplit(settings.jobs_url).password
    if name != "topics":
        service = environment["SERVICE"]
        assert urlsplit(settings.database_url_for(service)).username == service


@pytest.mark.parametrize("service", SERVICES)
def test_migrate_alone_knows_the_owner(service: str) -> None:
    for name, process in OURS.items():
        owner = process["environment"].get("MPP_OWNER_DATABASE_URL", "")
        assert bool(owner) == name.endswith("-migrate"), name
        if name == f"{service}-migrate":
            assert urlsplit(owner).username == f"{service}_owner"
            assert urlsplit(owner).path == f"/{service}"


def test_no_two_roles_of_the_database_share_a_password() -> None:
    used = [found["name"] for found in compose.variables(compose.raw()["services"]["postgres"]["environment"])]
    assert len(used) == len(set(used)) == 2 * len(SERVICES) + 1


@pytest.mark.parametrize("name", FILE["services"])
def test_every_container_is_contained(name: str) -> None:
    service = FILE["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"] not in ("root", "0", "0:0")
    limits = service["deploy"]["resources"]["limits"]
    assert set(limits) == {"cpus", "memory", "pids"}


@pytest.mark.parametrize("name", FILE["services"])
def test_every_container_says_whether_it_is_well_or_runs_once(name: str) -> None:
    service = FILE["services"][name]
    runs_once = name == "topics" or name.endswith("-migrate")
    assert service["restart"] == ("no" if runs_once else "unless-stopped")
    assert ("healthcheck" in service) != runs_once


class Answers(BaseHTTPRequestHandler):
    """A service that is ready, or is not, as the first part of the path says."""

    def do_GET(self) -> None:
        name, _, rest = self.path[1:].partition("/")
        self.send_response(404 if rest != "health/ready" else 503 if name == "ranking" else 200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def answering() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.mark.parametrize("name", [name for name in OURS if "healthcheck" in OURS[name]])
def test_a_healthcheck_knows_ready_from_not_ready(name: str, answering: int) -> None:
    kind, python, *arguments = OURS[name]["healthcheck"]["test"]
    assert (kind, python) == ("CMD", "python")
    environment = OURS[name]["environment"]
    here = [argument.replace(f":{environment['MPP_PORT']}/", f":{answering}/") for argument in arguments]
    asked = subprocess.run([sys.executable, *here], env=environment, capture_output=True, text=True, check=False)
    assert (asked.returncode == 0) == (environment["SERVICE"] != "ranking"), asked.stderr


def test_only_the_gateway_is_published() -> None:
    published = {name for name, service in FILE["services"].items() if service.get("ports")}
    assert published == {"gateway"}
    assert all(service.get("network_mode") is None for service in FILE["services"].values())


def test_only_the_gateway_and_the_sender_of_mails_reach_the_outside() -> None:
    outside = {name for name, network in FILE["networks"].items() if not network.get("internal")}
    reaching = {name for name, service in FILE["services"].items() if outside & set(service["networks"])}
    assert reaching == {"gateway", "identity-worker"}


def test_the_gateway_reaches_webs_and_no_server() -> None:
    seen = set(FILE["services"]["gateway"]["networks"])
    neighbours = {name for name, service in FILE["services"].items() if seen & set(service["networks"])}
    assert neighbours - {"gateway", "identity-worker"} == {f"{name}-web" for name in SERVICES}


@pytest.mark.parametrize("name", [name for name in OURS if name.endswith(("-web", "-worker"))])
def test_anything_that_runs_can_be_scaled(name: str) -> None:
    assert "container_name" not in OURS[name]
    assert "ports" not in OURS[name]
    assert "hostname" not in OURS[name]


@pytest.mark.parametrize("name", OURS)
def test_the_start_has_an_order(name: str) -> None:
    needed = {other: condition["condition"] for other, condition in OURS[name]["depends_on"].items()}
    service = OURS[name]["environment"].get("SERVICE")
    healthy, done = "service_healthy", "service_completed_successfully"
    if name == "topics":
        assert needed["kafka"] == healthy
    elif name.endswith("-migrate"):
        assert needed == {"postgres": healthy}
    else:
        assert needed[f"{service}-migrate"] == done
        assert needed["redis"] == healthy
        assert needed.get("topics") == (done if name.endswith("-worker") else None)


@pytest.mark.parametrize("name", [name for name in OURS if name.endswith(("-web", "-worker"))])
def test_a_stop_leaves_time_to_finish(name: str) -> None:
    assert parse_duration(OURS[name]["stop_grace_period"]) >= 40  # 20 s of two things after another


@pytest.mark.parametrize("variable", sorted({found["name"] for found in compose.variables(compose.raw())}))
def test_every_variable_is_explained_in_the_example(variable: str) -> None:
    assert variable in ENVIRONMENT


@pytest.mark.parametrize("variable", [name for name in ENVIRONMENT if SECRET.search(name)])
def test_no_secret_has_a_default(variable: str) -> None:
    uses = [found for found in compose.variables(compose.raw()) if found["name"] == variable]
    assert uses
    assert all(found["kind"] == ":?" and found["rest"] for found in uses)
    assert compose.read_env_file(EXAMPLE)[variable] == ""
    with pytest.raises(compose.MissingVariable):
        compose.read({name: value for name, value in ENVIRONMENT.items() if name != variable})


def test_no_secret_is_written_in_the_file() -> None:
    for name, service in compose.raw()["services"].items():
        for variable, value in service.get("environment", {}).items():
            if SECRET.search(variable) or ("://" in str(value) and "@" in str(value)):
                assert re.search(r"\$\{[A-Z_]*(PASSWORD)[A-Z_]*:\?", str(value)), f"{name}: {variable}"


@pytest.mark.parametrize("server", ["POSTGRES", "KAFKA", "REDIS"])
def test_the_address_of_a_server_is_one_variable(server: str) -> None:
    moved = compose.read(ENVIRONMENT | {f"{server}_ADDRESS": "127.0.0.1:1234"})
    host = f"@{server.lower()}:" if server != "KAFKA" else "//kafka:"
    for name in OURS:
        assert not [value for value in moved["services"][name]["environment"].values() if host in value]


@pytest.mark.parametrize("name", FILE["services"])
def test_every_file_that_a_container_needs_is_there(name: str) -> None:
    service = FILE["services"][name]
    for volume in service.get("volumes", []):
        source = volume.partition(":")[0]
        if source.startswith("./"):
            assert (compose.ROOT / source).is_dir()
        else:
            assert source in FILE["volumes"]
    if "build" in service:
        file = Path(compose.ROOT, service["build"]["context"], service["build"]["dockerfile"])
        assert f"AS {service['build']['target']}\n" in file.read_text(encoding="utf-8")


def test_an_image_of_ours_is_built_by_one_service_alone() -> None:
    built = [service["image"] for service in FILE["services"].values() if "build" in service]
    assert sorted(built) == sorted(set(built))
    assert {service["image"] for service in OURS.values()} <= set(built)


def test_topics_have_as_many_partitions_as_the_documentation_says() -> None:
    assert {service["environment"]["MPP_KAFKA_PARTITIONS"] for service in OURS.values()} == {
        str(Settings().kafka_partitions)
    }
