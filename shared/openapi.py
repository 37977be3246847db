"""The OpenAPI text of an operation: who may call it, an example, and each refusal it may answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import marshmallow as ma

from shared.errors import Conflict, Forbidden, Invalid, NotFound, NotSignedIn, Refusal, TooManyRequests
from shared.problems import PROBLEM_TYPE, STATUS_REFUSALS, BodyTooLarge, BrokenJson, NotJson, ServerError, Unavailable
from shared.schemas import Country, Zone

View = TypeVar("View", bound=Callable[..., Any])


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


def document_access_and_errors(doc: dict[str, Any], doc_info: Any, *, method: str, **kwargs: Any) -> dict[str, Any]:
    """Adds what every operation has: who may call it, an example, and each refusal it may answer."""
    for answer in (doc.get("requestBody"), *doc.get("responses", {}).values()):
        for content in answer.get("content", {}).values() if isinstance(answer, dict) else ():
            if "schema" in content and "example" not in content:
                content["example"] = example_of(content["schema"])
    statuses: set[type[Refusal]] = {NotFound, ServerError, Unavailable, TooManyRequests, BrokenJson, Invalid}
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
