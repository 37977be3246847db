from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.database import new_id
from shared.errors import TooManyRequests
from shared.i18n import translate
from shared.problems import problem_title
from tests.house import caller_of
from tests.shared.tiny import API, Tiny, open_tiny

JSON = {"Content-Type": "application/json"}


def post(tiny: Tiny, body: Any, **options: Any) -> Any:
    """Posts a note as an administrator: the body as it is, or as JSON."""
    if isinstance(body, bytes):
        options = {"headers": JSON} | options
        return tiny.client(caller_of()).post(f"{API}/notes", data=body, **options)
    return tiny.client(caller_of()).post(f"{API}/notes", data=json.dumps(body), headers=JSON, **options)


def assert_problem(response: Any, status: int, code: str) -> None:
    assert (response.status_code, response.json["status"], response.json["code"]) == (status, status, code)
    assert response.content_type == "application/problem+json"
    assert response.json["type"] == "about:blank"
    assert response.json["title"]


PROBLEMS: dict[str, tuple[str, str, dict[str, Any], int, str]] = {
    "broken JSON": ("POST", "/notes", {"data": b'{"text": ', "headers": JSON}, 400, "broken_json"),
    "no JSON": ("POST", "/notes", {"data": b"text=Awa"}, 415, "not_json"),
    "a form": ("POST", "/notes", {"data": {"text": "Awa"}}, 415, "not_json"),
    "another content type": (
        "POST",
        "/notes",
        {"data": b'{"text": "Awa"}', "headers": {"Content-Type": "text/plain"}},
        415,
        "not_json",
    ),
    "no such address": ("GET", "/nothing", {}, 404, "not_found"),
    "no such note": ("GET", f"/notes/{new_id()}", {}, 404, "not_found"),
    "no such method": ("DELETE", "/notes", {}, 405, "method_not_allowed"),
    "an id that is none": ("GET", "/notes/17", {}, 422, "bad_identifier"),
    "a value that is wrong": ("POST", "/notes", {"json": {"text": ""}}, 422, "invalid"),
    "an unknown parameter": ("GET", "/notes?wrod=a", {}, 422, "unknown_parameter"),
    "a conflict": ("POST", "/failures/conflict", {}, 409, "conflict"),
    "too many attempts": ("POST", "/failures/throttled", {}, 429, "too_many_requests"),
    "a bug": ("POST", "/failures/broken", {}, 500, "server_error"),
    "a database that is locked": ("POST", "/failures/locked", {}, 503, "unavailable"),
    "a database that is crowded": ("POST", "/failures/crowded", {}, 503, "unavailable"),
    "a role that may not": ("GET", "/count", {}, 403, "forbidden"),
    "a route nobody marked": ("GET", "/unmarked", {}, 403, "forbidden"),
}


@pytest.mark.parametrize("what", PROBLEMS)
def test_a_refusal_is_a_problem_with_a_stable_code_in_two_languages(tiny: Tiny, what: str) -> None:
    method, path, options, status, code = PROBLEMS[what]
    client = tiny.client(caller_of())
    languages = {}
    for language in ("en", "fr"):
        given_options = options | {"headers": options.get("headers", {}) | {"Accept-Language": language}}
        response = client.open(f"{API}{path}", method=method, **given_options)
        assert_problem(response, status, code)
        assert response.headers["Content-Language"] == language
        languages[language] = response.json["title"]
    assert languages["fr"] != languages["en"]
    assert "{" not in languages["en"] + languages["fr"]


def test_an_anonymous_caller_is_asked_to_sign_in(tiny: Tiny) -> None:
    for method, path in (("GET", "/notes"), ("POST", "/notes"), ("GET", f"/notes/{new_id()}"), ("GET", "/count")):
        assert_problem(tiny.client().open(f"{API}{path}", method=method, json={}), 401, "not_signed_in")


def test_a_method_that_is_not_allowed_comes_with_those_that_are(tiny: Tiny) -> None:
    response = tiny.client(caller_of()).delete(f"{API}/notes")
    assert {"GET", "POST"} <= set(response.headers["Allow"].split(", "))
    assert "DELETE" in response.json["title"]


def test_too_many_attempts_come_with_the_time_to_wait(tiny: Tiny) -> None:
    response = tiny.client(caller_of()).post(f"{API}/failures/throttled")
    assert response.headers["Retry-After"] == "7"
    assert "7" in response.json["title"]


@pytest.mark.parametrize(
    ("seconds", "english", "french"),
    [
        (1, "1 second", "1 seconde"),
        (60, "60 seconds", "60 secondes"),
        (100, "2 minutes", "2 minutes"),
        (754, "13 minutes", "13 minutes"),
        (3600, "60 minutes", "60 minutes"),
        (5401, "2 hours", "2 heures"),
    ],
)
def test_a_wait_is_told_in_one_unit_and_never_too_short(tiny: Tiny, seconds: int, english: str, french: str) -> None:
    for language, wait in (("en", english), ("fr", french)):
        with tiny.app.test_request_context(headers={"Accept-Language": language}):
            assert f" {wait}" in problem_title(TooManyRequests(seconds=seconds)).replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("languages", "language"),
    [("fr-CA, en;q=0.5", "fr"), ("de, fr;q=0.3", "fr"), ("en-GB", "en"), ("de", "en"), ("", "en"), ("*;q=x,,;", "en")],
)
def test_the_reader_is_answered_in_a_language_they_read(tiny: Tiny, languages: str, language: str) -> None:
    response = tiny.client().get(f"{API}/notes", headers={"Accept-Language": languages})
    assert response.headers["Content-Language"] == language
    assert response.json["title"] == translate(
        "Sign in first: your session is missing, has expired or has been ended.", language
    )


def test_the_address_and_then_the_account_may_say_the_language(tiny: Tiny) -> None:
    client = tiny.client(caller_of(language="fr"))
    by_account = client.get(f"{API}/nothing/{new_id()}", headers={"Accept-Language": ""})
    in_view = client.post(f"{API}/failures/conflict", headers={"Accept-Language": ""})
    by_address = client.post(f"{API}/failures/invalid?lang=en", headers={"Accept-Language": "fr"})
    assert by_account.status_code == 404
    assert [in_view.headers["Content-Language"], by_address.headers["Content-Language"]] == ["fr", "en"]


BAD_VALUES: dict[str, tuple[Any, str]] = {
    "an unknown field": ({"text": "Awa", "colour": "red"}, "colour"),
    "an unknown field of half a character": ({"text": "Awa", "\ud800": 1}, "?"),
    "nothing": ({}, "text"),
    "null": ({"text": None}, "text"),
    "a number for a text": ({"text": 3}, "text"),
    "a control character": ({"text": "A\x00wa"}, "text"),
    "half a character": ({"text": "A\ud800wa"}, "text"),
    "a text that is too long": ({"text": "x" * 41}, "text"),
    "a number out of bounds": ({"text": "Awa", "count": 101}, "count"),
    "a number beyond 64 bits": ({"text": "Awa", "count": 2**70}, "count"),
    "a truth for a number": ({"text": "Awa", "count": True}, "count"),
    "not a number": ({"text": "Awa", "count": float("nan")}, "count"),
    "not a number either": ({"text": "Awa", "weight": float("nan")}, "weight"),
    "infinity": ({"text": "Awa", "weight": float("inf")}, "weight"),
    "an unknown zone": ({"text": "Awa", "zone": "Mars/Olympus"}, "zone"),
    "half a character for a zone": ({"text": "Awa", "zone": "\ud800"}, "zone"),
    "a list for an object": ([{"text": "Awa"}], ""),
    "a text for an object": ("Awa", ""),
    "a number for an object": (3, ""),
    "something wrong in a list": ({"text": "Awa", "labels": ["ok", "", "too long"]}, "labels.1"),
}


@pytest.mark.parametrize("what", BAD_VALUES)
@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_bad_value_is_refused_with_the_name_of_its_field(tiny: Tiny, what: str, language: str) -> None:
    body, field = BAD_VALUES[what]
    response = post(tiny, body, query_string={"lang": language})
    assert_problem(response, 422, "invalid")
    assert field in [error["field"] for error in response.json["errors"]] or not field
    assert all(error["message"] for error in response.json["errors"])
    assert tiny.notes() == []


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"}",
        b'{"text": "Awa"',
        b"{'text': 'Awa'}",
        b'{"text": "A\nwa"}',
        b"\xff\xfe",
        b'{"text": "\xff"}',
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"text": "Awa", "count": ' + b"9" * 5000 + b"}",
    ],
    ids=lambda body: repr(body[:20]),
)
def test_broken_json_is_refused(tiny: Tiny, body: bytes) -> None:
    assert_problem(post(tiny, body), 400, "broken_json")


def test_no_body_at_all_is_refused(tiny: Tiny) -> None:
    response = post(tiny, b"")
    assert response.status_code in (400, 422)
    assert_problem(post(tiny, b"null"), 422, "invalid")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=30)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from(["text", "count", "zone", "labels", "x"]), inner)
        ),
    )
)
def test_no_body_whatever_makes_a_server_error(tiny: Tiny, body: Any) -> None:
    assert post(tiny, body).status_code in (201, 400, 409, 422)


@pytest.mark.parametrize("body_is_announced", [True, False])
def test_a_body_that_is_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body_is_announced: bool
) -> None:
    with open_tiny(tmp_path, monkeypatch, max_body_bytes=1000) as tiny:
        options: dict[str, Any] = {}
        if not body_is_announced:
            options["headers"] = JSON | {"Transfer-Encoding": "chunked"}
            options["environ_overrides"] = {"wsgi.input_terminated": True}
        response = post(tiny, json.dumps({"text": "x" * 2000}).encode(), **options)
        assert_problem(response, 413, "body_too_large")
        assert "1000" in response.json["title"]
        assert post(tiny, {"text": "small"}).status_code == 201


@pytest.mark.parametrize(
    "note_id", ["17", "nothing", "0190c0de7a117000800000000000000 1", "{}", "%00", "é", "x" * 5000]
)
def test_an_id_that_is_no_uuid_is_refused_and_shown(tiny: Tiny, note_id: str) -> None:
    response = tiny.client(caller_of()).get(f"{API}/notes/{note_id}")
    assert_problem(response, 422, "bad_identifier")
    assert len(response.json["title"]) < 250


@pytest.mark.parametrize("spelling", [str.upper, lambda text: text.replace("-", ""), lambda text: f"{{{text}}}"])
def test_an_id_has_one_spelling_but_for_its_case(tiny: Tiny, spelling: Any) -> None:
    client = tiny.client(caller_of())
    note_id = client.post(f"{API}/notes", json={"text": "Awa"}).json["note_id"]
    status = client.get(f"{API}/notes/{spelling(note_id)}").status_code
    assert status == (200 if spelling is str.upper else 422)


@pytest.mark.parametrize("query", ["page=0", "page=-1", "page=x", f"page={2**70}", "page=100001", "page_size=101"])
def test_a_page_that_cannot_be_is_refused(tiny: Tiny, query: str) -> None:
    assert_problem(tiny.client(caller_of()).get(f"{API}/notes?{query}"), 422, "invalid")


def test_a_list_comes_page_by_page(tiny: Tiny) -> None:
    client = tiny.client(caller_of())
    for number in range(5):
        client.post(f"{API}/notes", json={"text": f"note {number}"})
    second = client.get(f"{API}/notes?page=2&page_size=2")
    assert [note["text"] for note in second.json] == ["note 2", "note 3"]
    assert json.loads(second.headers["X-Pagination"])["total"] == 5
    assert client.get(f"{API}/notes?page=100000").json == []
    assert client.get(f"{API}/notes?word=4&lang=fr").json[0]["text"] == "note 4"


def test_an_unknown_query_parameter_is_refused_by_its_name(tiny: Tiny) -> None:
    response = tiny.client(caller_of()).get(f"{API}/notes?wrod=a&page=1")
    assert "wrod" in response.json["title"]
    assert response.json["errors"][0]["field"] == "wrod"
    assert_problem(tiny.client(caller_of()).post(f"{API}/notes?x=1", json={"text": "a"}), 422, "unknown_parameter")


def test_what_has_not_changed_is_not_sent_again(tiny: Tiny) -> None:
    client = tiny.client(caller_of())
    path = f"{API}/notes/{client.post(f'{API}/notes', json={'text': 'Awa'}).json['note_id']}"
    first = client.get(path)
    again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_a_change_needs_the_etag_last_seen(tiny: Tiny) -> None:
    client = tiny.client(caller_of())
    path = f"{API}/notes/{client.post(f'{API}/notes', json={'text': 'Awa'}).json['note_id']}"
    etag = {"If-Match": client.get(path).headers["ETag"]}
    assert_problem(client.put(path, json={"text": "Bintou"}), 428, "etag_missing")
    assert client.put(path, json={"text": "Bintou"}, headers=etag).json["text"] == "Bintou"
    assert_problem(client.put(path, json={"text": "Chloé"}, headers=etag), 412, "changed_meanwhile")
    assert_problem(client.put(path, json={"text": "Chloé"}, headers={"If-Match": "junk"}), 412, "changed_meanwhile")
    assert tiny.notes() == ["Bintou"]


def test_another_tenants_note_is_not_there(tiny: Tiny) -> None:
    mine, other = tiny.client(caller_of()), tiny.client(caller_of())
    path = f"{API}/notes/{mine.post(f'{API}/notes', json={'text': 'Awa'}).json['note_id']}"
    etag = {"If-Match": mine.get(path).headers["ETag"]}
    assert_problem(other.get(path), 404, "not_found")
    assert_problem(other.put(path, json={"text": "taken"}, headers=etag), 404, "not_found")
    assert other.get(f"{API}/notes").json == []
    assert tiny.client(caller_of(None, "operator")).get(f"{API}/count").json == {"notes": 1}
    assert tiny.client().get(f"{API}/welcome").json == {"notes": 0}


def test_the_openapi_text_describes_every_operation(tiny: Tiny) -> None:
    paths = tiny.client().get(f"{API}/openapi.json").json["paths"]
    operations = [operation for path in paths.values() for name, operation in path.items() if name != "parameters"]
    assert len(operations) >= 9
    assert all(operation["summary"] and "500" in operation["responses"] for operation in operations)
    assert paths[f"{API}/count"]["get"]["x-roles"] == ["operator"]
    assert paths[f"{API}/welcome"]["get"]["security"] == []
    assert {"412", "428"} <= set(paths[f"{API}/notes/{{note_id}}"]["put"]["responses"])
