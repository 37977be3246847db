"""What docker-compose.yml starts, started: order, roles, settings, ends, upgrades; nothing of it is Docker's alone."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
import requests
from confluent_kafka.admin import ConfigResource, ResourceType
from redis import Redis
from redis.exceptions import AuthenticationError

from shared.database import new_id
from tests.deploy.commands import SERVICES
from tests.journeys.history import Load
from tests.journeys.people import challenge_for, found
from tests.journeys.waiting import eventually
from tests.servers.composed import order_of
from tests.servers.faults import is_held_up, locked
from tests.servers.proof import prove
from tests.servers.stack import Stack

ROLES = ("web", "worker")
PASSWORD = "trois renards au marché"


def test_what_others_wait_for_starts_before_them(stack: Stack) -> None:
    waves = order_of(stack.services)
    assert set(waves[0]) == {"postgres", "kafka", "redis"}
    assert set(waves[1]) == {"topics", *(f"{service}-migrate" for service in SERVICES)}
    assert set(waves[2]) == {f"{service}-{role}" for service in SERVICES for role in ROLES}
    assert waves[3:] == [["gateway"]]


def test_every_web_and_worker_is_well_and_tells_its_numbers(stack: Stack) -> None:
    for service in SERVICES:
        for role in ROLES:
            instance = stack.one(f"{service}-{role}")
            answer = instance.ask("health/ready")
            assert answer is not None
            assert (answer.status_code, answer.json()["problems"]) == (200, [])
            metrics = instance.ask("metrics")
            assert metrics is not None
            assert f'mpp_ready{{service="{service}"}} 1.0' in metrics.text


def test_the_role_that_runs_owns_nothing_and_sees_through_nothing(stack: Stack) -> None:
    for service in SERVICES:
        owners = stack.postgres.query(
            "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'", database=service
        )
        assert owners == [(f"{service}_owner",)]
        rights = stack.postgres.query(
            "SELECT rolsuper, rolbypassrls, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = %s", service
        )
        assert rights == [(False, False, False, False)]
        connected = stack.postgres.query("SELECT DISTINCT usename FROM pg_stat_activity WHERE datname = %s", service)
        assert connected == [(service,)]
        mine = urlsplit(stack.environment_of(f"{service}-web")["MPP_DATABASE_URL"])
        other = next(name for name in SERVICES if name != service)
        url = mine._replace(path=f"/{other}").geturl()
        refused = stack.run_anyway(f"{other}-worker", f"services.{other}", "outbox", "status", MPP_DATABASE_URL=url)
        assert refused.returncode == 2
        assert "cannot be used" in refused.stderr


def test_the_servers_run_with_the_settings_of_the_file(stack: Stack) -> None:
    assert stack.postgres.query("SHOW max_connections") == [("300",)]
    admin = stack.kafka.admin()
    broker = ConfigResource(ResourceType.BROKER, "1")
    told = admin.describe_configs([broker])[broker].result(20)
    assert told["group.consumer.min.session.timeout.ms"].value == "10000"
    assert told["auto.create.topics.enable"].value == "false"
    assert stack.kafka.topics() == dict.fromkeys(SERVICES, 12)
    assert stack.redis.connect().config_get("maxmemory")["maxmemory"] == str(192 * 1024 * 1024)
    with pytest.raises(AuthenticationError):
        Redis(port=stack.redis.port).ping()


def test_starting_once_more_what_runs_once_changes_nothing(stack: Stack) -> None:
    assert "none made" in stack.run("topics")
    for service in SERVICES:
        assert "already up to date" in stack.run(f"{service}-migrate")
    stack.postgres.make_roles()


def test_the_gateway_is_the_only_way_in_and_keeps_the_operators_pages_inside(stack: Stack) -> None:
    for service in SERVICES:
        assert requests.get(f"{stack.url}/{service}/api/v1/docs", timeout=10).status_code == 200
        assert requests.get(f"{stack.url}/{service}/health/ready", timeout=10).status_code == 404


def test_a_web_that_is_told_to_end_finishes_its_requests(stack: Stack) -> None:
    head = found(stack.url)
    league = head.create_league(head.open_edition())
    (player,) = head.add_players(league, "Lynx")
    challenge = challenge_for(head, "school")
    web = stack.one("leagues-web")
    with ThreadPoolExecutor(1) as thread:
        with locked(stack, "leagues", "LOCK TABLE outbox IN EXCLUSIVE MODE"):
            recording = thread.submit(head.record, league, challenge, player_id=player["player_id"])
            eventually(lambda: is_held_up(stack, "leagues", "%INSERT INTO outbox"), 20)
            web.send(signal.SIGTERM)
            eventually(lambda: web.says() == "nobody answers", 20)
            assert web.is_running
        assert recording.result(30)["points"] == challenge["points"]
    assert web.wait(30) == 0
    stack.mend()
    head.sees(f"leagues/{league['league_id']}/players", {player["player_id"]: challenge["points"]})


def test_everything_is_replaced_one_by_one_while_people_play(stack: Stack) -> None:
    """An upgrade in place: a page waits for the new web; a write that met none is told that nothing was done.

    With a second web beside the old one, which deploy/upgrade.sh and Kubernetes start first, there is always one.
    """
    with Load(found(stack.url), clients=3, per_second=20) as load:
        load.goes_on(10)
        for service in SERVICES:
            stack.run(f"{service}-migrate")
        stack.run("topics")
        for role in ("worker", "web"):
            for service in SERVICES:
                stack.replace(f"{service}-{role}")
                stack.wait_until_ready()
                load.goes_on(3)
    assert all('"unavailable"' in said for said in load.history.refusals)
    prove(stack, load)


def test_a_school_is_founded_by_page_through_the_gateway(stack: Stack) -> None:
    """Four processes behind one address: a session that identity began is known to leagues and ranking."""
    browser = requests.Session()
    home = browser.get(stack.url)
    assert home.headers["Content-Encoding"] in ("gzip", "zstd")
    assert "form-action 'self'" in home.headers["Content-Security-Policy"]
    [style] = [line for line in home.text.splitlines() if "site.css" in line]
    file = browser.get(stack.url + style.split('"')[3])
    assert file.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert file.headers["Vary"] == "Accept-Encoding"
    email = f"{new_id().hex}@example.org"
    school = {"name": "École des Tilleuls", "country": "FR", "zone": "Europe/Paris", "display_name": "Camille"}
    started = browser.post(f"{stack.url}/found/school", data=school | {"email": email, "password": PASSWORD})
    assert started.status_code == 200, started.text
    assert started.url == f"{stack.url}/leagues/"
    assert browser.get(f"{stack.url}/ranking/").status_code == 200
    me = {"display_name": "Camille R.", "language": "fr", "csrf_token": browser.cookies["mpp_csrf"]}
    del browser.cookies["mpp_access"]
    kept = browser.post(f"{stack.url}/identity/me", data=me)
    assert kept.status_code == 200
    assert 'value="Camille R."' in kept.text, "renewed on the way, and nothing typed was lost"
    out = browser.post(f"{stack.url}/sign-out", data={"csrf_token": browser.cookies["mpp_csrf"]})
    assert out.url == f"{stack.url}/"
    assert "/sign-in" in browser.get(f"{stack.url}/leagues/").url
