"""The gateway, run for real: where it sends what, and what it adds, hides and says by itself."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler

import pytest
import requests

from shared.problems import Unavailable
from tests.deploy.gateway import CADDYFILE, Gateway, respond
from tests.servers.plugin import refuse
from tests.servers.process import MissingServer

OPERATORS_ONLY = (
    "/leagues/metrics",
    "/leagues/metrics/",
    "/leagues/health/live",
    "/ranking/health/ready",
    "/identity/metrics?x=1",
    "/leagues//metrics",
    "//leagues/metrics",
    "/LEAGUES/Metrics",
    "/leagues/%6detrics",
    "/leagues%2Fmetrics",
    "/leagues/api/../metrics",
    "/leagues/x/%2e%2e/health/ready",
    "/metrics",
    "/health",
)


def opened(**options: str) -> Gateway:
    try:
        return Gateway(**options)
    except MissingServer as error:
        refuse(str(error))
        raise


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    with opened() as running:
        for service in running.services.values():
            service.start()
        yield running.start()
        for service in running.services.values():
            service.stop()


@pytest.fixture(autouse=True)
def _as_before(gateway: Gateway) -> Iterator[None]:
    yield
    for service in gateway.services.values():
        service.answer = service.say_name
        service.asked.clear()


def get(gateway: Gateway, path: str, **headers: str) -> requests.Response:
    return requests.get(gateway.address + path, headers=headers, timeout=30)


def raw_get(gateway: Gateway, path: str) -> tuple[int, bytes]:
    """A request whose path nobody tidies up on the way."""
    connection = HTTPConnection("127.0.0.1", gateway.http_port, timeout=30)
    connection.putrequest("GET", path)
    connection.endheaders()
    answer = connection.getresponse()
    status, body = answer.status, answer.read()
    connection.close()
    return status, body


def saying(headers: dict[str, str], body: str = "x" * 2000) -> Callable[[BaseHTTPRequestHandler], None]:
    return lambda handler: respond(handler, headers, body)


def test_the_file_is_written_as_caddy_writes_it() -> None:
    program = shutil.which("caddy")
    if program is None:
        refuse("Caddy is not installed: apt install caddy (and stop its service).")
    assert program
    formatted = subprocess.run([program, "fmt", str(CADDYFILE)], capture_output=True, text=True, check=True).stdout
    assert formatted == CADDYFILE.read_text(encoding="utf-8")


@pytest.mark.parametrize("service", ["identity", "challenges", "leagues", "ranking"])
@pytest.mark.parametrize("rest", ["", "/", "/api/v1/openapi.json", "/a/b?c=d"])
def test_a_prefix_leads_to_its_service(gateway: Gateway, service: str, rest: str) -> None:
    assert f"<p>{service}</p>" in get(gateway, f"/{service}{rest}").text
    assert gateway.services[service].asked[-1][0] == f"/{service}{rest}"


@pytest.mark.parametrize("path", ["/", "/join", "/leaguesque", "/rankings/x"])
def test_everything_else_leads_to_identity(gateway: Gateway, path: str) -> None:
    assert "<p>identity</p>" in get(gateway, path).text


@pytest.mark.parametrize("path", OPERATORS_ONLY)
def test_metrics_and_health_stay_inside(gateway: Gateway, path: str) -> None:
    status, body = raw_get(gateway, path)
    assert status == 404
    assert b"<p>" not in body
    assert not [service.name for service in gateway.services.values() if service.asked]


def test_a_word_that_only_contains_metrics_is_not_hidden(gateway: Gateway) -> None:
    assert get(gateway, "/leagues/metricsystem").status_code == 200
    assert get(gateway, "/challenges/api/v1/challenges/health").status_code == 200


def test_headers_that_the_application_sets_are_left_alone(gateway: Gateway) -> None:
    own = {
        "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'",
        "X-Frame-Options": "SAMEORIGIN",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
        "Vary": "Accept-Language, Authorization, Cookie",
    }
    gateway.services["leagues"].answer = saying(own)
    answered = get(gateway, "/leagues/api/v1/docs").headers
    for name, value in own.items():
        assert value in answered[name].split(", Accept-Encoding")[0]
        assert answered[name].count(value) == 1


def test_headers_that_it_does_not_set_are_added(gateway: Gateway) -> None:
    answered = get(gateway, "/leagues/").headers
    assert answered["X-Content-Type-Options"] == "nosniff"
    assert answered["X-Frame-Options"] == "DENY"
    assert answered["Referrer-Policy"] == "same-origin"
    assert "frame-ancestors 'none'" in answered["Content-Security-Policy"]
    assert "geolocation=()" in answered["Permissions-Policy"]
    assert "Server" not in answered


@pytest.mark.parametrize("coding", ["zstd", "gzip"])
def test_text_is_compressed(gateway: Gateway, coding: str) -> None:
    answered = requests.get(gateway.address + "/leagues/", headers={"Accept-Encoding": coding}, stream=True, timeout=30)
    assert answered.headers["Content-Encoding"] == coding
    assert len(answered.raw.read(decode_content=False)) < 1000
    assert "Accept-Encoding" in answered.headers["Vary"]


def test_a_picture_is_not_compressed_again(gateway: Gateway) -> None:
    gateway.services["identity"].answer = saying({"Content-Type": "image/png"})
    assert "Content-Encoding" not in get(gateway, "/identity/static/photo.png").headers


def test_static_files_can_be_kept_by_everybody(gateway: Gateway) -> None:
    kept = "public, max-age=86400"
    gateway.services["ranking"].answer = saying(
        {"Cache-Control": kept, "Vary": "Accept-Language, Authorization, Cookie", "Set-Cookie": "a=b", "ETag": '"1"'}
    )
    answered = get(gateway, "/ranking/static/style.css").headers
    assert answered["Cache-Control"] == kept
    assert set(answered["Vary"].split(", ")) == {"Accept-Encoding"}
    assert "Set-Cookie" not in answered
    page = get(gateway, "/ranking/page").headers
    assert "Cookie" in page["Vary"]
    assert page["Set-Cookie"] == "a=b"


def test_a_service_learns_who_asks_and_how_and_nobody_can_pretend(gateway: Gateway) -> None:
    get(gateway, "/identity/", **{"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "gopher"})
    headers = gateway.services["identity"].asked[-1][1]
    assert headers["X-Forwarded-For"] == "127.0.0.1"
    assert headers["X-Forwarded-Proto"] == "http"
    assert headers["X-Forwarded-Host"] == headers["Host"] == f"127.0.0.1:{gateway.http_port}"


def test_a_page_of_a_service_that_is_away_says_so_to_people(gateway: Gateway) -> None:
    gateway.services["ranking"].stop()
    answered = get(gateway, "/ranking/boards")
    assert answered.status_code == 503
    assert answered.headers["Content-Type"].startswith("text/html")
    assert answered.headers["Retry-After"] == "10"
    assert answered.headers["Cache-Control"] == "no-store"
    assert "n’est pas perdu" in answered.content.decode()
    assert "not lost" in answered.text
    assert "<p>leagues</p>" in get(gateway, "/leagues/").text, "the three others go on"
    gateway.services["ranking"].start()


def test_an_api_that_is_away_says_so_as_the_services_do(gateway: Gateway) -> None:
    gateway.services["ranking"].stop()
    answered = get(gateway, "/ranking/api/v1/counters")
    assert answered.status_code == 503
    assert answered.headers["Content-Type"] == "application/problem+json"
    assert answered.json() == {
        "type": "about:blank",
        "status": Unavailable.status,
        "code": Unavailable.code,
        "title": str(Unavailable.text),
    }
    gateway.services["ranking"].start()


def test_a_refusal_of_the_application_passes_through(gateway: Gateway) -> None:
    def refuse_politely(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(503)
        handler.send_header("Content-Length", "4")
        handler.end_headers()
        handler.wfile.write(b"ours")

    gateway.services["leagues"].answer = refuse_politely
    answered = get(gateway, "/leagues/api/v1/leagues")
    assert (answered.status_code, answered.text) == (503, "ours")


def test_a_body_larger_than_any_form_is_refused(gateway: Gateway) -> None:
    body = b"x" * (13 * 1024 * 1024)
    try:
        answered = requests.post(gateway.address + "/leagues/api/v1/leagues", data=body, timeout=60)
        assert answered.status_code == 413
        assert answered.json()["status"] == 413
    except requests.ConnectionError:
        pass  # it may hang up while we are still sending
    assert not gateway.services["leagues"].asked


def test_tokens_and_addresses_stay_out_of_the_log(gateway: Gateway) -> None:
    get(
        gateway, "/identity/join?token=very-secret", Authorization="Bearer very-secret", Cookie="mpp_access=very-secret"
    )
    while "/identity/join" not in gateway.log:
        time.sleep(0.02)
    line = next(json.loads(line) for line in gateway.log.splitlines() if "/identity/join" in line)
    assert "very-secret" not in json.dumps(line)
    assert line["request"]["remote_ip"] == "127.0.0.0"


def test_a_request_waits_for_a_service_that_is_being_replaced() -> None:
    with opened(patience="30s") as gateway:
        gateway.start()
        answered: list[int] = []
        asking = threading.Thread(target=lambda: answered.append(get(gateway, "/leagues/").status_code))
        asking.start()
        gateway.services["leagues"].start()
        asking.join()
        gateway.services["leagues"].stop()
    assert answered == [200]


def test_a_form_that_reached_nobody_is_refused_with_nothing_done() -> None:
    """Caddy cannot send a body twice: who wrote hears it, and sends again."""
    with opened(patience="2s") as gateway:
        gateway.start()
        answer = requests.post(f"{gateway.address}/leagues/api/v1/leagues", json={"name": "CM2"}, timeout=30)
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert answer.headers["Retry-After"] == "10"


def test_a_stop_finishes_the_requests_in_hand() -> None:
    with opened() as gateway:
        arrived, may_answer = threading.Event(), threading.Event()

        def slowly(handler: BaseHTTPRequestHandler) -> None:
            arrived.set()
            may_answer.wait(30)
            respond(handler, {}, "done")

        leagues = gateway.services["leagues"]
        leagues.answer = slowly
        leagues.start()
        gateway.start()
        answered: list[str] = []
        asking = threading.Thread(target=lambda: answered.append(get(gateway, "/leagues/").text))
        asking.start()
        assert arrived.wait(30)
        process = gateway._popen
        assert process is not None
        process.send_signal(signal.SIGTERM)
        while "shutting down" not in gateway.log:
            time.sleep(0.02)
        may_answer.set()
        asking.join()
        process.wait(30)
        leagues.stop()
    assert answered == ["done"]


def test_with_https_everything_is_https() -> None:
    with opened(public_url="https://localhost") as gateway:
        gateway.services["identity"].start()
        gateway.start()
        plain = requests.get(f"http://localhost:{gateway.http_port}/page", allow_redirects=False, timeout=30)
        assert plain.status_code == 308
        assert plain.headers["Location"] == "https://localhost/page"
        answered = requests.get(f"{gateway.address}/page", verify=str(gateway.root_certificate), timeout=30)
        assert answered.headers["Strict-Transport-Security"].startswith("max-age=")
        assert gateway.services["identity"].asked[-1][1]["X-Forwarded-Proto"] == "https"
        gateway.services["identity"].stop()


def test_without_https_no_browser_is_told_to_insist_on_it(gateway: Gateway) -> None:
    assert "Strict-Transport-Security" not in get(gateway, "/").headers
