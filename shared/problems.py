"""Refusals as problem+json (RFC 9457): those that every service can answer, and how any of them is written."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from typing import Any

import marshmallow as ma
from babel.dates import format_date, format_datetime, format_timedelta
from flask import Response, g, request
from werkzeug.exceptions import HTTPException

from shared.errors import Conflict, Forbidden, Invalid, NotFound, NotSignedIn, Refusal, TooManyRequests, Word, message
from shared.i18n import LOCALES, current_language, translate, translate_validation
from shared.schemas import Schema

PROBLEM_TYPE = "application/problem+json"


class FieldErrorSchema(Schema):
    """One value that cannot be accepted."""

    field = ma.fields.String(required=True, metadata={"example": "zone"})
    message = ma.fields.String(required=True, metadata={"example": "This is not a time zone: give an IANA name."})


class ProblemSchema(Schema):
    """A refusal, as RFC 9457 describes it."""

    type = ma.fields.String(required=True, metadata={"example": "about:blank"})
    status = ma.fields.Integer(required=True, metadata={"example": 422})
    code = ma.fields.String(required=True, metadata={"description": "Stable: programs may rely on it."})
    title = ma.fields.String(required=True, metadata={"description": "For people, in their language."})
    errors = ma.fields.List(ma.fields.Nested(FieldErrorSchema))


class BodyTooLarge(Refusal):
    """More bytes than any of our forms needs."""

    status = 413
    code = "body_too_large"
    text = message("This request is too large: {maximum} bytes at most. Send it in smaller pieces.")


class NotJson(Refusal):
    """The body is not what Content-Type says, or says nothing."""

    status = 415
    code = "not_json"
    text = message("Send the body as JSON, with the header Content-Type: application/json.")


class BrokenJson(Refusal):
    """The body is not JSON."""

    status = 400
    code = "broken_json"
    text = message("The body is not valid JSON: check its quotes, commas and brackets.")


class MethodNotAllowed(Refusal):
    """The address exists; the verb does not."""

    status = 405
    code = "method_not_allowed"
    text = message("This address does not take the method {method}.")


class BadIdentifier(Refusal):
    """An id in the address that is no UUID."""

    status = 422
    code = "bad_identifier"
    text = message("“{value}” is not an identifier: give a UUID, such as 0190c0de-7a11-7000-8000-000000000001.")


class ChangedMeanwhile(Refusal):
    """If-Match does not fit: somebody else changed it."""

    status = 412
    code = "changed_meanwhile"
    text = message("Somebody changed this in the meantime. Load it again, then send your change with its new ETag.")


class EtagMissing(Refusal):
    """An update without If-Match."""

    status = 428
    code = "etag_missing"
    text = message("Send the ETag you last saw in the header If-Match, so that nobody's change is lost.")


class Unavailable(Refusal):
    """The service cannot answer now."""

    status = 503
    code = "unavailable"
    text = message("The service is busy or being looked after. Nothing was lost: try again in a moment.")


class ServerError(Refusal):
    """Our fault."""

    status = 500
    code = "server_error"
    text = message("Something went wrong on our side. Nothing was recorded; please try again.")


STATUS_REFUSALS: dict[int, type[Refusal]] = {
    kind.status: kind
    for kind in (
        BrokenJson,
        NotSignedIn,
        Forbidden,
        NotFound,
        MethodNotAllowed,
        Conflict,
        ChangedMeanwhile,
        BodyTooLarge,
        NotJson,
        Invalid,
        EtagMissing,
        TooManyRequests,
        ServerError,
        Unavailable,
    )
}


class BadIdentifierInPath(HTTPException):
    """Raised while routing; becomes BadIdentifier."""

    code = 422

    def __init__(self, value: str) -> None:
        super().__init__()
        self.value = value


def problem(refusal: Refusal) -> Response:
    """The problem+json of a refusal, in the reader's language."""
    language = current_language()
    body: dict[str, Any] = {
        "type": "about:blank",
        "status": refusal.status,
        "code": refusal.code,
        "title": problem_title(refusal),
    }
    if refusal.fields:
        body["errors"] = [
            {"field": field, "message": translate_validation(text, language)}
            for field, texts in refusal.fields.items()
            for text in texts
        ]
    text = json.dumps(body, ensure_ascii=False).encode(errors="replace")  # a field's name may hold half a character
    response = Response(text, status=refusal.status, content_type=PROBLEM_TYPE)
    response.headers.update(refusal_headers(refusal))
    return response


def refusal_headers(refusal: Refusal) -> dict[str, str]:
    """What the headers of a refusal say, whether its body is a page or problem+json."""
    headers = {"Content-Language": current_language()}
    if isinstance(refusal, MethodNotAllowed):
        headers["Allow"] = ", ".join(refusal.parameters["allowed"])
    if isinstance(refusal, TooManyRequests):
        headers["Retry-After"] = str(refusal.seconds)
    return headers


def problem_title(refusal: Refusal) -> str:
    """The sentence of a refusal, in the reader's language, with its values in it."""
    language = current_language()
    values = {name: _shown(value, language) for name, value in refusal.parameters.items()}
    return translate(refusal.text, language, **values)


def _shown(value: Any, language: str) -> Any:
    if isinstance(value, Word):
        return translate(value, language)
    if isinstance(value, datetime):
        return format_datetime(value, "d MMMM y, HH:mm", locale=LOCALES[language])
    if isinstance(value, date):
        return format_date(value, "long", locale=LOCALES[language])
    if isinstance(value, timedelta):
        return _shown_wait(value, language)
    if isinstance(value, list):
        return ", ".join(str(_shown(item, language)) for item in value)
    return value[:80] + "…" if isinstance(value, str) and len(value) > 80 else value


def _shown_wait(value: timedelta, language: str) -> str:
    """In one unit, and never less than it is: who waits that long does not wait in vain."""
    for unit in (timedelta(hours=1), timedelta(minutes=1)):
        if value >= 1.5 * unit:
            value = -(-value // unit) * unit
            break
    return format_timedelta(value, threshold=1.5, locale=LOCALES[language])


def refusal_of(error: HTTPException) -> Refusal:
    """The refusal that an exception of Flask, webargs or flask-smorest stands for."""
    if isinstance(error, BadIdentifierInPath):
        return BadIdentifier(value=error.value)
    status = error.code or 500
    data = getattr(error, "data", None) or {}
    if status == 400 and "messages" in data:
        return BrokenJson()
    if status == 422 and "messages" in data:
        return Invalid(fields=flatten_errors(data["messages"]))
    if status == 413:
        return BodyTooLarge(maximum=g.get("max_body_bytes", 0))
    if status == 405:
        return MethodNotAllowed(method=request.method, allowed=sorted(getattr(error, "valid_methods", None) or ()))
    kind = STATUS_REFUSALS.get(status, ServerError if status >= 500 else Refusal)
    return kind(method=request.method, seconds=60)


def flatten_errors(messages: Any, prefix: str = "") -> dict[str, list[str]]:
    """{"json": {"zone": ["…"]}} -> {"zone": ["…"]}; lists and nested objects become "players.3.name"."""
    if isinstance(messages, list):
        return {prefix or "body": [str(text) for text in messages]}
    flat: dict[str, list[str]] = {}
    for name, inner in messages.items():
        is_location = not prefix and name in ("json", "query", "form", "headers", "path")
        child = prefix if is_location or name == "_schema" else (f"{prefix}.{name}" if prefix else str(name))
        flat.update(flatten_errors(inner, child) if isinstance(inner, (dict, list)) else {child: [str(inner)]})
    return flat
