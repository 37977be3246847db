"""What every JSON API has in common: blueprints, problem+json, pages of lists, and the OpenAPI text."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from uuid import UUID

import flask_smorest
import marshmallow as ma
import sqlalchemy as sa
from flask import Flask, Response, g, request
from flask_smorest.pagination import PaginationParameters
from sqlalchemy.orm import Session
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import HTTPException
from werkzeug.routing import BaseConverter

from shared.auth import public_without_session
from shared.errors import Conflict, Forbidden, Invalid, NotFound, NotSignedIn, Refusal, TooManyRequests, Word, message
from shared.i18n import current_language, translate, translate_validation
from shared.schemas import Country, Schema, Zone

PROBLEM_TYPE = "application/problem+json"
MAX_PAGE = 100_000
View = TypeVar("View", bound=Callable[..., Any])


class FieldErrorSchema(Schema):
    """One value that cannot be accepted."""

    field = ma.fields.String(required=True, metadata={"example": "zone"})
    message = ma.fields.String(required=True, metadata={"example": "Is not a time zone: give an IANA name."})


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


class IdConverter(BaseConverter):
    """`<id:league_id>`: a UUID, or a refusal that says so."""

    regex = "[^/]+"

    def to_python(self, value: str) -> UUID:
        """The UUID written in the address."""
        try:
            if len(value) != 36:
                raise ValueError
            return UUID(value)
        except ValueError:
            raise BadIdentifierInPath(value) from None

    def to_url(self, value: Any) -> str:
        """The canonical text of a UUID."""
        return str(value)


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
    response.headers["Content-Language"] = language
    if isinstance(refusal, MethodNotAllowed):
        response.headers["Allow"] = ", ".join(refusal.parameters["allowed"])
    if isinstance(refusal, TooManyRequests):
        response.headers["Retry-After"] = str(refusal.parameters.get("seconds", 60))
    return response


def problem_title(refusal: Refusal) -> str:
    """The sentence of a refusal, in the reader's language, with its values in it."""
    language = current_language()
    values = {name: _shown(value, language) for name, value in refusal.parameters.items()}
    return translate(refusal.text, language, **values)


def _shown(value: Any, language: str) -> Any:
    if isinstance(value, Word):
        return translate(value, language)
    if isinstance(value, list):
        return ", ".join(str(_shown(item, language)) for item in value)
    return value[:80] + "…" if isinstance(value, str) and len(value) > 80 else value


def refusal_of(error: HTTPException) -> Refusal:
    """The refusal that an exception of Flask, webargs or flask-smorest stands for."""
    if isinstance(error, BadIdentifierInPath):
        return BadIdentifier(value=error.value)
    status = error.code or 500
    data = getattr(error, "data", None) or {}
    if status == 400 and "messages" in data:
        return BrokenJson()
    if status == 422 and "messages" in data:
        return Invalid(fields=_flatten(data["messages"]))
    if status == 413:
        return BodyTooLarge(maximum=g.get("max_body_bytes", 0))
    if status == 405:
        return MethodNotAllowed(method=request.method, allowed=sorted(getattr(error, "valid_methods", None) or ()))
    kind = STATUS_REFUSALS.get(status, ServerError if status >= 500 else Refusal)
    return kind(method=request.method, seconds=60)


def _flatten(messages: Any, prefix: str = "") -> dict[str, list[str]]:
    """{"json": {"zone": ["…"]}} -> {"zone": ["…"]}; lists and nested objects become "players.3.name"."""
    if isinstance(messages, list):
        return {prefix or "body": [str(text) for text in messages]}
    flat: dict[str, list[str]] = {}
    for name, inner in messages.items():
        is_location = not prefix and name in ("json", "query", "form", "headers", "path")
        child = prefix if is_location or name == "_schema" else (f"{prefix}.{name}" if prefix else str(name))
        flat.update(_flatten(inner, child) if isinstance(inner, (dict, list)) else {child: [str(inner)]})
    return flat


class StrictParser(FlaskParser):  # type: ignore[misc]
    """Refuses unknown fields in a body; a body must say it is JSON."""

    DEFAULT_UNKNOWN_BY_LOCATION = {**FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION, "json": ma.RAISE}

    def load_json(self, req: Any, schema: Any) -> Any:
        """The body. Raises NotJson when there is one under another content type, BrokenJson."""
        if not req.is_json:
            raise NotJson
        if req.content_length is None and len(req.get_data()) >= (req.max_content_length or sys.maxsize):
            raise BodyTooLarge(maximum=req.max_content_length)  # sent in chunks: werkzeug cuts it off in silence
        try:
            return super().load_json(req, schema)
        except (ValueError, RecursionError) as error:  # a number of thousands of digits, brackets without end
            raise BrokenJson from error


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc]
    """A flask-smorest blueprint with our strictness, and page sizes that fit a phone and an export."""

    ARGUMENTS_PARSER = StrictParser()
    DEFAULT_PAGINATION_PARAMETERS = {"page": 1, "page_size": 20, "max_page_size": 100}

    def paginate(self, *args: Any, **kwargs: Any) -> Any:
        """flask-smorest's pagination, with an upper bound for the page: its OFFSET must fit a database's integer."""
        decorate = super().paginate(*args, **kwargs)

        def decorate_with_bound(view: Any) -> Any:
            wrapped = decorate(view)
            schema = wrapped._apidoc["pagination"]["parameters"]["schema"]  # made for this view alone
            bounds = ma.validate.Range(min=1, max=MAX_PAGE)
            schema._declared_fields["page"] = ma.fields.Integer(load_default=1, validate=bounds)
            return wrapped

        return decorate_with_bound

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._prepare_doc_cbks.append(_document_access_and_errors)


def example_of(schema: Any) -> Any:
    """A valid example of a schema, made of its fields' own examples."""
    if isinstance(schema, dict):
        return schema.get("example", [example_of(schema["items"])] if "items" in schema else {})
    instance = schema() if isinstance(schema, type) else schema
    fields = {(field.data_key or name): field for name, field in instance.fields.items()}
    example = {name: _example_of_field(name, field) for name, field in fields.items()}
    return [example] if instance.many else example


def _example_of_field(name: str, field: ma.fields.Field[Any]) -> Any:
    if "example" in field.metadata:
        return field.metadata["example"]
    if isinstance(field, ma.fields.Nested):
        return example_of(field.schema)
    if isinstance(field, ma.fields.List):
        return [_example_of_field(name, field.inner)]
    if isinstance(field, ma.fields.Pluck):
        return name
    choices = next((rule.choices for rule in field.validators if isinstance(rule, ma.validate.OneOf)), None)
    if choices:
        return next(iter(choices))
    for kind, example in EXAMPLES.items():
        if isinstance(field, kind):
            return example
    return name.replace("_", " ")


EXAMPLES: dict[type[ma.fields.Field[Any]], Any] = {
    ma.fields.UUID: "0190c0de-7a11-7000-8000-000000000001",
    ma.fields.Boolean: True,
    ma.fields.NaiveDateTime: "2026-11-23T09:00:00",
    ma.fields.DateTime: "2026-11-23T09:00:00+00:00",
    ma.fields.Date: "2026-11-23",
    ma.fields.Integer: 3,
    ma.fields.Float: 1.5,
    ma.fields.Dict: {},
    ma.fields.Email: "camille@example.org",
    Zone: "Europe/Paris",
    Country: "FR",
}


def refuses(*kinds: type[Refusal]) -> Callable[[View], View]:
    """Lists, in the OpenAPI text, the refusals of its own that an operation may answer."""

    def mark(view: View) -> View:
        view.__dict__.setdefault("_apidoc", {})["refuses"] = kinds
        return view

    return mark


def _document_access_and_errors(doc: dict[str, Any], doc_info: Any, *, method: str, **kwargs: Any) -> dict[str, Any]:
    """Adds what every operation has: who may call it, an example, and each refusal it may answer."""
    for answer in (doc.get("requestBody"), *doc.get("responses", {}).values()):
        for content in answer.get("content", {}).values() if isinstance(answer, dict) else ():
            if "schema" in content and "example" not in content:
                content["example"] = example_of(content["schema"])
    statuses = {NotFound, ServerError, Unavailable, TooManyRequests, BrokenJson, Invalid}
    access = doc_info.get("access")
    if access:
        statuses |= {NotSignedIn, Forbidden}
        doc["security"] = [{"bearer": []}]
        doc["x-roles"] = list(access)
    else:
        doc["security"] = []
    if method.upper() not in ("GET", "HEAD"):
        statuses |= {Conflict, Forbidden, NotSignedIn}
    if "requestBody" in doc:
        statuses |= {BodyTooLarge, NotJson}
    own = doc_info.get("refuses", ())
    lines: dict[int, list[str]] = {}
    for kind in (*sorted(statuses, key=lambda kind: kind.status), *own):
        lines.setdefault(kind.status, []).append(f"`{kind.code}`: {kind.text}")
    responses = doc.setdefault("responses", {})
    responses.pop("default", None)  # every answer is named below: an undocumented one is a bug
    for status in (412, 428):
        if status in responses or str(status) in responses:
            lines[status] = [f"`{STATUS_REFUSALS[status].code}`: {STATUS_REFUSALS[status].text}"]
    for status, texts in lines.items():
        kind = STATUS_REFUSALS[status]
        responses[str(status)] = {
            "description": "\n\n".join(dict.fromkeys(texts)),
            "content": {
                PROBLEM_TYPE: {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "example": {"type": "about:blank", "status": status, "code": kind.code, "title": kind.text},
                }
            },
        }
        responses.pop(status, None)
    return doc


class Api(flask_smorest.Api):  # type: ignore[misc]
    """Answers errors as problem+json."""

    ERROR_SCHEMA = ProblemSchema

    def handle_http_exception(self, error: HTTPException) -> Response:
        """The problem+json of any HTTP exception; « not modified » is no problem and has no body."""
        if error.code == 304:
            return Response(status=304)
        return problem(refusal_of(error))

    def _register_pagination_header(self) -> None:
        """Documents X-Pagination as what it is: JSON in a string, not an object."""
        example = '{"total": 42, "total_pages": 3, "first_page": 1, "last_page": 3, "page": 1, "next_page": 2}'
        header = {"description": "Where this page stands, as JSON.", "schema": {"type": "string", "example": example}}
        self.spec.components.header("PAGINATION", header, lazy=True)

    @public_without_session
    def _openapi_json(self) -> Any:
        return super()._openapi_json()


def paged(
    session: Session, statement: sa.Select[Any], page: PaginationParameters, *, is_rows: bool = False
) -> Sequence[Any]:
    """One page of a SELECT's entities (or rows); the total goes into the X-Pagination header."""
    page.item_count = session.scalar(sa.select(sa.func.count()).select_from(statement.order_by(None).subquery()))
    found = session.execute(statement.offset(page.first_item).limit(page.page_size))
    return found.all() if is_rows else found.scalars().all()


def new_api(app: Flask, service: str) -> Api:
    """The flask-smorest API of a service, with its OpenAPI settings."""
    app.config.update(
        API_TITLE=f"Ma Petite Planète: {service}",
        API_VERSION="v1",
        OPENAPI_VERSION="3.0.3",
        OPENAPI_URL_PREFIX=f"/{service}/api/v1",
        OPENAPI_JSON_PATH="openapi.json",
    )
    app.url_map.converters["id"] = IdConverter
    api = Api(app)
    api.register_converter(IdConverter, lambda converter: {"type": "string", "format": "uuid"})
    api.spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"})
    return api
