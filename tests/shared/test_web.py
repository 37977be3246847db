from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import structlog
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from shared.auth import SigningKey
from shared.clock import utc_now
from shared.consumer import DeadLetter
from shared.contracts import TenantSuspended
from shared.database import new_id
from shared.outbox import emit
from shared.tenancy import PUBLIC, of_tenant
from tests.house import caller_of, token_of
from tests.shared.tiny import API, Tiny, open_tiny

NOTE = {"text": "Awa"}
CSRF = {"X-CSRF-Token": "test-csrf"}


# --- one request, one transaction -------------------------------------------------------------------------------------


def test_what_a_request_wrote_stays_when_its_answer_is_good(tiny: Tiny) -> None:
    assert tiny.client(caller_of()).post(f"{API}/notes", json=NOTE).status_code == 201
    assert tiny.notes() == ["Awa"]


@pytest.mark.parametrize("kind", ["conflict", "invalid", "throttled", "broken", "locked", "crowded", "read-only"])
def test_what_a_request_wrote_goes_when_its_answer_is_not(tiny: Tiny, kind: str) -> None:
    client = tiny.client(caller_of())
    assert client.post(f"{API}/failures/{kind}").status_code >= 400
    assert tiny.notes() == []
    assert client.post(f"{API}/notes", json=NOTE).status_code == 201  # and nothing is left locked


@pytest.mark.parametrize("kind", ["locked", "crowded", "read-only"])
def test_a_database_that_is_away_for_now_is_no_fault_of_the_request(tiny: Tiny, kind: str) -> None:
    answer = tiny.client(caller_of()).post(f"{API}/failures/{kind}")
    assert (answer.status_code, answer.json["code"]) == (503, "unavailable")


def test_a_refusal_that_is_itself_a_fact_keeps_what_was_written(tiny: Tiny) -> None:
    assert tiny.client(caller_of()).post(f"{API}/failures/remembered").status_code == 409
    assert tiny.notes() == ["remembered"]


def test_a_commit_that_the_database_refuses_is_no_success(tiny: Tiny) -> None:
    response = tiny.client(caller_of()).post(f"{API}/twins")
    assert (response.status_code, response.json["code"]) == (500, "server_error")
    assert tiny.notes() == []


def test_a_commit_that_fails_says_that_one_may_try_again(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(session: Session) -> None:
        raise OperationalError("COMMIT", {}, Exception("disk full"))

    with monkeypatch.context() as broken:
        broken.setattr(Session, "commit", fail)
        response = tiny.client(caller_of()).post(f"{API}/notes", json=NOTE)
    assert (response.status_code, response.json["code"]) == (503, "unavailable")
    assert tiny.notes() == []
    assert tiny.client(caller_of()).post(f"{API}/notes", json=NOTE).status_code == 201


def test_a_request_that_reads_does_not_wait_for_one_that_writes(tiny: Tiny) -> None:
    caller = caller_of()
    with tiny.database.transaction(of_tenant(caller.tenant_id)) as session:
        session.connection()  # a writer takes its lock when it begins
        assert tiny.client(caller).get(f"{API}/notes").status_code == 200


# --- who may ----------------------------------------------------------------------------------------------------------


def test_a_route_that_nobody_marked_is_open_to_nobody(tiny: Tiny) -> None:
    for client in (tiny.client(), tiny.client(caller_of()), tiny.client(caller_of(None, "operator"))):
        response = client.get(f"{API}/unmarked")
        assert (response.status_code, response.json["code"]) == (403, "forbidden")


@pytest.mark.parametrize(
    ("role", "status"),
    [("organiser", 201), ("administrator", 201), ("operator", 403), ("player", 403), ("pupil", 403), ("king", 403)],
)
def test_a_route_is_open_to_its_roles_alone(tiny: Tiny, role: str, status: int) -> None:
    assert tiny.client(caller_of(None, role)).post(f"{API}/notes", json=NOTE).status_code == status


def test_only_an_operator_acts_across_tenants(tiny: Tiny) -> None:
    for _ in range(2):
        tiny.client(caller_of()).post(f"{API}/notes", json={"text": str(new_id())})
    assert tiny.client(caller_of(None, "operator")).get(f"{API}/count").json == {"notes": 2}
    assert tiny.client(caller_of(None, "operator")).get(f"{API}/notes").json == []
    assert tiny.client(caller_of()).get(f"{API}/count").status_code == 403


# --- cookies and CSRF -------------------------------------------------------------------------------------------------


def test_a_browser_reads_with_its_cookie_alone(tiny: Tiny) -> None:
    assert tiny.browser(caller_of()).get(f"{API}/notes").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-CSRF-Token": ""},
        {"X-CSRF-Token": "guessed"},
        {"X-CSRF-Token": "té\u00e9st"},
        CSRF | {"Origin": "https://evil.example"},
        CSRF | {"Origin": "http://localhost.evil.example"},
        CSRF | {"Origin": "http://localhost:9"},
        CSRF | {"Origin": "null"},
        CSRF | {"Origin": ""},
        CSRF | {"Origin": "http://["},
        CSRF | {"Origin": "http://localhost, https://evil.example"},
    ],
    ids=str,
)
def test_a_change_asked_by_a_cookie_alone_or_from_elsewhere_is_refused(tiny: Tiny, headers: dict[str, str]) -> None:
    response = tiny.browser(caller_of()).post(f"{API}/notes", json=NOTE, headers=headers)
    assert (response.status_code, response.json["code"]) == (403, "csrf_missing")
    assert tiny.notes() == []


@pytest.mark.parametrize("headers", [CSRF, CSRF | {"Origin": "http://localhost"}])
def test_a_change_asked_by_our_own_page_is_accepted(tiny: Tiny, headers: dict[str, str]) -> None:
    assert tiny.browser(caller_of()).post(f"{API}/notes", json=NOTE, headers=headers).status_code == 201


def test_a_program_with_a_bearer_token_needs_no_csrf_token(tiny: Tiny) -> None:
    headers = {"Origin": "https://tools.example"}
    assert tiny.client(caller_of()).post(f"{API}/notes", json=NOTE, headers=headers).status_code == 201


def test_a_bearer_token_does_not_open_what_the_cookie_would(tiny: Tiny) -> None:
    browser = tiny.browser(caller_of())
    response = browser.post(f"{API}/notes", json=NOTE, headers={"Authorization": "Bearer x"})
    assert (response.status_code, response.json["code"]) == (401, "not_signed_in")


# --- headers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [f"{API}/notes", f"{API}/welcome", f"{API}/nothing", f"{API}/openapi.json", "/"])
def test_every_answer_carries_the_security_headers(tiny: Tiny, path: str) -> None:
    headers = tiny.client(caller_of()).get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert {"Authorization", "Cookie", "Accept-Language"} <= {word.strip() for word in headers["Vary"].split(",")}


def test_what_was_answered_to_somebody_is_stored_by_nobody(tiny: Tiny) -> None:
    assert tiny.client(caller_of()).get(f"{API}/notes").headers["Cache-Control"] == "no-store"
    assert tiny.client().get(f"{API}/welcome").headers["Cache-Control"] == "no-cache"


def test_a_request_id_is_echoed_and_a_bad_one_replaced(tiny: Tiny) -> None:
    def echo(given: str) -> str:
        return str(tiny.client().get(f"{API}/welcome", headers={"X-Request-ID": given}).headers["X-Request-ID"])

    assert echo("req-17.a_b") == "req-17.a_b"
    for bad in ("", "x" * 65, "a b", '"}{"', "<script>"):
        assert echo(bad) != bad
        assert len(echo(bad)) == 36


# --- health, metrics, documentation -----------------------------------------------------------------------------------


def test_health_tells_that_it_is_alive_and_ready(tiny: Tiny) -> None:
    assert tiny.client().get("/tiny/health/live").json["status"] == "alive"
    ready = {"status": "ready", "service": "tiny", "problems": [], "warnings": []}
    assert tiny.client().get("/tiny/health/ready").json == ready


def test_health_warns_of_events_that_nobody_publishes_and_of_dead_letters(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.health.OLD_SECONDS", 0.0)
    with tiny.database.transaction(of_tenant(new_id())) as session:
        emit(session, TenantSuspended(revision=1))
        session.add(DeadLetter(dead_letter_id=new_id(), envelope="{}", error="poison", parked_at=utc_now()))
    response = tiny.client().get("/tiny/health/ready")
    assert (response.status_code, response.json["status"]) == (200, "degraded")
    waiting, letters = response.json["warnings"]
    assert "is its worker running" in waiting
    assert "dead-letters" in letters


def test_health_tells_what_is_not_ready(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.health.pending_migrations", lambda service, database: ["0002"])
    response = tiny.client().get("/tiny/health/ready")
    assert response.status_code == 503
    assert "services.tiny migrate" in response.json["problems"][0]


def test_a_service_that_can_verify_nobody_yet_is_not_ready(tiny: Tiny) -> None:
    with tiny.database.transaction(PUBLIC) as session:
        session.execute(sa.delete(SigningKey).execution_options(synchronize_session=False))
    response = tiny.client().get("/tiny/health/ready")
    assert response.status_code == 503
    (problem,) = response.json["problems"]
    assert "are the workers of identity and tiny running" in problem
    assert 'mpp_ready{service="tiny"} 0.0' in tiny.client().get("/tiny/metrics").text


def test_health_answers_when_the_database_does_not(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(service: str, database: object) -> list[str]:
        raise OperationalError("SELECT", {}, Exception("away"))

    monkeypatch.setattr("shared.health.pending_migrations", fail)
    assert tiny.client().get("/tiny/health/live").status_code == 200
    response = tiny.client().get("/tiny/health/ready")
    assert (response.status_code, len(response.json["problems"])) == (503, 1)


def test_metrics_count_requests_by_their_route(tiny: Tiny) -> None:
    client = tiny.client(caller_of())
    for _ in range(2):
        client.get(f"{API}/notes/{new_id()}")
    client.get(f"{API}/nothing/{new_id()}")
    text = tiny.client().get("/tiny/metrics").text
    labels = f'method="GET",route="{API}/notes/<id:note_id>",service="tiny"'
    assert f'mpp_requests_total{{{labels},status="404"}} 2.0' in text
    assert 'route="(none)",service="tiny",status="404"} 1.0' in text
    assert f"mpp_request_seconds_count{{{labels}}} 2.0" in text


def test_metrics_are_not_filled_by_methods_somebody_made_up(tiny: Tiny) -> None:
    for number in range(3):
        tiny.client().open(f"{API}/notes", method=f"MADEUP{number}")
    assert "MADEUP" not in tiny.client().get("/tiny/metrics").text


def test_metrics_tell_how_many_events_wait(tiny: Tiny) -> None:
    with tiny.database.transaction(of_tenant(new_id())) as session:
        emit(session, TenantSuspended(revision=1))
    text = tiny.client().get("/tiny/metrics").text
    assert 'mpp_outbox_depth{service="tiny"} 1.0' in text
    assert 'mpp_dead_letters{service="tiny"} 0.0' in text


def test_the_page_about_the_api_needs_nobody_elses_files(tiny: Tiny) -> None:
    page = tiny.client().get(f"{API}/docs")
    assert page.status_code == 200
    assert "http://" not in page.text.replace("http://localhost", "")
    assert "https://" not in page.text
    for path, status in (("swagger-ui/swagger-ui-bundle.js", 200), ("swagger-ui/../../web.py", 404)):
        with tiny.client().get(f"/tiny/static/{path}") as file:
            assert file.status_code == status


# --- logs -------------------------------------------------------------------------------------------------------------


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_request_leaves_one_line_that_says_who_and_where(tiny: Tiny, read_log: Callable[[], str]) -> None:
    caller = caller_of()
    tiny.client(caller).post(f"{API}/notes", json=NOTE, headers={"X-Request-ID": "req-1"})
    [line] = lines(read_log())
    assert (line["event"], line["level"], line["status"]) == ("request", "info", 201)
    assert (line["request_id"], line["route"], line["tenant_id"]) == ("req-1", f"{API}/notes", str(caller.tenant_id))
    assert line["person_id"] == str(caller.person_id)


def test_nobody_of_the_last_request_is_in_the_line_of_the_next(tiny: Tiny, read_log: Callable[[], str]) -> None:
    tiny.client(caller_of()).get(f"{API}/notes")
    tiny.client().get(f"{API}/welcome")
    first, second = lines(read_log())
    assert "tenant_id" in first
    assert "tenant_id" not in second


def test_logs_hold_no_token_password_or_name(tiny: Tiny, read_log: Callable[[], str]) -> None:
    caller = caller_of()
    token = token_of(caller)
    tiny.client(caller).post(f"{API}/notes", json={"text": "Camille Dupont", "password": "hunter2"})
    tiny.client(caller).get(f"{API}/notes?word=Camille&token={token}")
    tiny.client(caller).post(f"{API}/failures/broken")
    tiny.client(caller).post(f"{API}/twins")
    tiny.client().get(f"{API}/notes/Camille?password=hunter2", headers={"Authorization": f"Bearer {token}x"})
    tiny.browser(caller).post(f"{API}/notes", json=NOTE, headers={"X-CSRF-Token": "hunter2"})
    text = read_log()
    assert len(lines(text)) >= 6
    assert "request_failed" in text
    for secret in (token, token.split(".")[2], "hunter2", caller.csrf, "Camille"):
        assert secret not in text


def test_a_line_that_was_given_a_secret_masks_it(read_log: Callable[[], str]) -> None:
    structlog.get_logger().info("given", password="hunter2", access_token="x.y.z", display_name="Camille", tenant="a")
    logging.getLogger("library").warning("from a library: %s", 3)
    given, library = lines(read_log())
    assert (given["password"], given["access_token"], given["display_name"], given["tenant"]) == ("***",) * 3 + ("a",)
    assert (library["event"], library["level"]) == ("from a library: 3", "warning")


# --- behind a gateway -------------------------------------------------------------------------------------------------


def test_forwarded_headers_count_behind_a_gateway_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    headers = CSRF | {"Origin": "https://mpp.example", "X-Forwarded-Host": "mpp.example", "X-Forwarded-Proto": "https"}
    caller = caller_of()
    statuses = []
    for number, public_url in enumerate(("", "https://mpp.example")):
        folder = tmp_path / str(number)
        folder.mkdir()
        with contextlib.ExitStack() as stack:
            tiny = stack.enter_context(open_tiny(folder, monkeypatch, public_url=public_url))
            statuses.append(tiny.browser(caller).post(f"{API}/notes", json=NOTE, headers=headers).status_code)
    assert statuses == [403, 201]


def test_a_session_is_given_back_after_every_request(tiny: Tiny) -> None:
    client = tiny.client(caller_of())
    for _ in range(30):  # more than the pool holds
        client.get(f"{API}/notes")
        client.post(f"{API}/failures/broken")
        client.get(f"{API}/notes/17")
    started = utc_now()
    assert client.get(f"{API}/notes").status_code == 200
    assert (utc_now() - started).total_seconds() < 5
