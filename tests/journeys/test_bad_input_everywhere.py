"""What people, broken programs and the ill-meaning send: every operation with a body refuses it, and says so."""

from __future__ import annotations

import contextlib
import copy
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.house import House
from tests.journeys.people import Person, found
from tests.journeys.process import Services
from tests.journeys.scene import Scene, set_scene
from tests.journeys.waiting import eventually
from tests.rules.openapi import Operation, document, operations

JSON = "application/json"
HUGE = 2**70
NAN = float("nan")
WRONG: dict[str, list[Any]] = {
    "string": [7, 1.5, True, {}, {"a": 1}, [], ["a"], HUGE, NAN],
    "integer": ["seven", "", 1.5, {}, [], HUGE, -HUGE, NAN, float("inf")],
    "boolean": ["perhaps", 7, 1.5, {}, [], HUGE, NAN],
    "array": ["a", 7, True, {}, {"0": "a"}, HUGE, NAN],
    "object": ["a", 7, True, [], [[]], HUGE, NAN],
}
"""By the type a field has: values of every other one. (Words like “yes” for a boolean are taken by marshmallow.)"""
CONTROLS = ["bell \u0007", "null \u0000", "esc \u001b[31m", "half \ud800", "\udfff", "\u202eevil"]
UGLY = ["x" * 100_000, "é" * 20_001, *CONTROLS]
DEEP = 5_000
BROKEN = [
    b" ",  # one without a single byte is an object without fields
    b"{",
    b'{"name": }',
    b'{"name": "a"',
    b"{'name': 'a'}",
    b'{"a": 1,}',
    b"nonsense",
    b"\xff\xfe\x00",
    b'{"name": "\xe9"}',
    b'{"a": ' + b"9" * 5_000 + b"}",
    b"[" * DEEP,
    b"[" * DEEP + b"]" * DEEP,
    b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    b'{"name": ' + b"[" * DEEP + b"]" * DEEP + b"}",
    b"\x00",
]
NO_OBJECT = [b"[]", b"[{}]", b'"text"', b"7", b"null", b"true", b"NaN", b"-Infinity"]


@pytest.fixture(scope="module")
def scene(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    set_up = set_scene(template, tmp_path_factory.mktemp("bad-input"))
    yield set_up
    set_up.house.close()


class Form:
    """One operation with a body: a good example of it, what its fields are, and how to send something else."""

    def __init__(self, scene: Scene, operation: Operation) -> None:
        self.operation = operation
        self.good = operation.body(scene.ids)
        role = "operator" if operation.roles[:1] == ["operator"] else "administrator"
        self.client = scene.house.client(operation.service, scene.caller(role))
        self.url = operation.url(scene.ids)
        doc = document(scene.house.apps[operation.service])
        self.fields = dict(fields_of(doc, operation.doc["requestBody"]["content"][JSON]["schema"]))

    def send(self, body: bytes, content_type: str = JSON) -> Any:
        return self.client.open(
            self.url, method=self.operation.method, data=body, content_type=content_type, headers={"If-Match": '"0"'}
        )

    def refuses(self, body: bytes, what: str, *statuses: int, content_type: str = JSON) -> None:
        """The answer is a refusal with a code and a sentence, and of one of these statuses."""
        answer = self.send(body, content_type)
        context = f"{self.operation} with {what}: {answer.status_code} {answer.text[:300]}"
        assert answer.status_code in (statuses or (400, 422)), context
        assert answer.content_type == "application/problem+json", context
        assert answer.json["code"], context
        assert answer.json["title"], context
        assert answer.json["status"] == answer.status_code, context


def fields_of(doc: Any, schema: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every field of a body, however deep, by the path to it in its example; the first item stands for a list's."""
    schema = resolved(doc, schema)
    if "properties" in schema:
        for name, field in schema["properties"].items():
            field = resolved(doc, field)
            yield (*path, name), field
            yield from fields_of(doc, field, (*path, name))
    elif "items" in schema:
        item = resolved(doc, schema["items"])
        yield (*path, 0), item
        yield from fields_of(doc, item, (*path, 0))


def resolved(doc: Any, schema: Any) -> Any:
    """A schema with its reference followed."""
    if "$ref" in schema:
        return doc["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if len(schema.get("allOf", [])) == 1:
        return resolved(doc, schema["allOf"][0]) | {key: value for key, value in schema.items() if key != "allOf"}
    return schema


def with_value(body: Any, path: tuple[str | int, ...], value: Any) -> Any:
    """The body with another value in one place, which is made when it is not there."""
    changed = copy.deepcopy(body)
    place = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return changed


def has_place(body: Any, path: tuple[str | int, ...]) -> bool:
    try:
        for step in path[:-1]:
            body = body[step]
    except (LookupError, TypeError):
        return False
    return isinstance(body, dict) or (isinstance(body, list) and bool(body))


def bytes_of(body: Any) -> bytes:
    return json.dumps(body).encode()  # with NaN, Infinity and \ud800 as JSON has them not: Python writes them


def forms(scene: Scene) -> list[Form]:
    found = [Form(scene, operation) for operation in operations(scene.house) if "requestBody" in operation.doc]
    assert len(found) > 15
    return found


def test_the_walk_knows_every_type(scene: Scene) -> None:
    for form in forms(scene):
        assert form.fields, str(form.operation)
        for path, field in form.fields.items():
            assert field.get("type") in WRONG, f"{form.operation} {path}: {field}"


def test_broken_json_is_refused(scene: Scene) -> None:
    for form in forms(scene):
        for body in BROKEN:
            form.refuses(body, f"{body[:20]!r}…")


def test_a_body_that_is_no_object_is_refused(scene: Scene) -> None:
    for form in forms(scene):
        for body in NO_OBJECT:
            form.refuses(body, repr(body))


def test_a_body_that_does_not_say_it_is_json_is_refused(scene: Scene) -> None:
    for form in forms(scene):
        for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
            form.refuses(bytes_of(form.good), content_type, 415, content_type=content_type)


def test_unknown_fields_are_refused(scene: Scene) -> None:
    for form in forms(scene):
        for name in ("unknown", "", "__class__", "tenant_id ", "é", "half \ud800", "x" * 10_000):
            form.refuses(bytes_of(form.good | {name: 1}), f"the field {name[:20]!r}", 422)
        for path, field in form.fields.items():
            if field["type"] == "object" and has_place(form.good, path):
                nested = with_value(form.good, (*path, "unknown"), 1)
                form.refuses(bytes_of(nested), f"an unknown field in {path}", 422)


def test_wrong_types_are_refused_in_every_field(scene: Scene) -> None:
    tried = 0
    for form in forms(scene):
        for path, field in form.fields.items():
            if not has_place(form.good, path):
                continue
            for value in [*WRONG[field["type"]], *([] if field.get("nullable") else [None])]:
                form.refuses(bytes_of(with_value(form.good, path, value)), f"{value!r} as {path}")
                tried += 1
    assert tried > 500


def test_ugly_text_is_refused_in_every_field(scene: Scene) -> None:
    tried = 0
    for form in forms(scene):
        for path, field in form.fields.items():
            if field["type"] == "string" and has_place(form.good, path):
                for text in UGLY:
                    if field.get("format") == "password" and "\u202e" in text:
                        continue  # a password is what its owner types
                    form.refuses(bytes_of(with_value(form.good, path, text)), f"{text[:12]!r} as {path}")
                    tried += 1
    assert tried > 200


def test_a_missing_field_is_named(scene: Scene) -> None:
    for form in forms(scene):
        for path in form.fields:
            if len(path) == 1 and path[0] in form.good:
                less = {name: value for name, value in form.good.items() if name != path[0]}
                answer = form.send(bytes_of(less | {"unknown": 1}))  # never a good request: nothing is to change
                assert answer.status_code == 422, f"{form.operation} without {path}: {answer.text}"
                assert "unknown" in [error["field"] for error in answer.json["errors"]]


def test_nothing_was_changed_by_all_this(scene: Scene) -> None:
    """What was refused left nothing: the scene is as it was set."""
    house: House = scene.house
    client = house.client("leagues", scene.administrator)
    assert len(client.get("/leagues/api/v1/editions").json) == 1
    assert [league["players"] for league in client.get("/leagues/api/v1/leagues").json] == [3]
    assert len(client.get(f"/leagues/api/v1/completions?league_id={scene.ids['league_id']}").json) == 1
    people = house.client("identity", scene.administrator).get("/identity/api/v1/people").json
    assert sorted(person["display_name"] for person in people) == ["Camille", "Nour"]


# --- against the real server ---

MEGABYTE = b"x" * 1_048_576


def is_refused_or_cut(send: Any) -> None:
    """413, or the connection is closed on whoever goes on sending."""
    try:
        answer = send()
    except requests.ConnectionError:
        return
    assert answer.status_code == 413, answer.text
    assert answer.json()["code"] == "body_too_large"


def test_a_body_of_fifty_megabytes_is_refused_and_the_server_goes_on(server: Services) -> None:
    head = found(server.url)
    addresses = (
        ("POST", f"{server.url}/identity/api/v1/sessions"),
        ("PUT", f"{server.url}/leagues/api/v1/completions/0190c0de-7a11-7000-8000-000000000001"),
        ("POST", f"{server.url}/leagues/api/v1/editions"),
        ("GET", f"{server.url}/ranking/api/v1/counters"),
    )
    headers = {"Content-Type": JSON, "Authorization": f"Bearer {head.token}"}
    for method, url in addresses[:3]:
        body = b'{"name": "' + MEGABYTE * 50 + b'"}'
        is_refused_or_cut(lambda: requests.request(method, url, data=body, headers=headers, timeout=30))  # noqa: B023
        assert head.get("identity/me")
    method, url = addresses[1]
    is_refused_or_cut(
        lambda: requests.request(method, url, data=(MEGABYTE for _ in range(50)), headers=headers, timeout=30)
    )
    eventually(lambda: Person(server.url).ask("GET", "ranking/counters").ok)
    head.open_edition()


def test_a_request_that_is_no_http_does_not_stop_the_server(server: Services) -> None:
    bad_path = b"GET /%ff%00 HTTP/1.1\r\nHost: x\r\n\r\n"
    no_http = (b"\x16\x03\x01\x02\x00", b"GET / HTTP/9\r\n\r\n", b"A" * 100_000, bad_path)
    for nonsense in no_http:
        with socket.create_connection(("127.0.0.1", server.port), timeout=5) as line, contextlib.suppress(OSError):
            line.sendall(nonsense)
            line.shutdown(socket.SHUT_WR)
            line.recv(1000)
    assert Person(server.url).get("ranking/counters")
