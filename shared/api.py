"""What every JSON API has in common: strict blueprints, identifiers, pages of lists, the OpenAPI document."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import flask_smorest
import marshmallow as ma
import msgspec
import sqlalchemy as sa
from flask import Flask, Response
from flask.json.provider import DefaultJSONProvider
from flask_smorest.pagination import PaginationParameters
from sqlalchemy.orm import Session
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import HTTPException
from werkzeug.routing import BaseConverter

from shared.auth import public_without_session
from shared.errors import NotFound
from shared.openapi import document_access_and_errors
from shared.pages.refusals import answer
from shared.problems import BadIdentifierInPath, BodyTooLarge, BrokenJson, NotJson, ProblemSchema, refusal_of

MAX_PAGE = 100_000


def id_of(text: str) -> UUID:
    """The UUID that a form or an address names beside its path. Raises NotFound."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound from None


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

    def arguments(self, schema: Any, **kwargs: Any) -> Any:
        """flask-smorest's arguments, with a schema that is made once: webargs would make it for every request."""
        return super().arguments(schema() if isinstance(schema, type) else schema, **kwargs)

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
        self._prepare_doc_cbks.append(document_access_and_errors)


class JsonProvider(DefaultJSONProvider):
    """Answers what schemas have made (dicts, lists, texts, numbers) by msgspec, which is five times as fast."""

    sort_keys = False

    def response(self, *args: Any, **kwargs: Any) -> Response:
        """A JSON response; of other objects, as Flask writes it."""
        try:
            text = msgspec.json.encode(self._prepare_response_obj(args, kwargs))
        except (TypeError, ValueError):
            usual: Any = super().response(*args, **kwargs)
            return usual  # type: ignore[no-any-return]
        return Response(text + b"\n", mimetype=self.mimetype)


class Api(flask_smorest.Api):  # type: ignore[misc]
    """Answers errors as problem+json."""

    ERROR_SCHEMA = ProblemSchema

    def handle_http_exception(self, error: HTTPException) -> Response:
        """The refusal of any HTTP exception; « not modified » is no problem and has no body."""
        if error.code == 304:
            return Response(status=304)
        return answer(refusal_of(error))

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


def paged_list(items: Sequence[Any], page: PaginationParameters) -> Sequence[Any]:
    """One page of a list that is short by nature and already here; the total goes into the X-Pagination header."""
    page.item_count = len(items)
    return items[page.first_item : page.first_item + page.page_size]


def new_api(app: Flask, service: str) -> Api:
    """The flask-smorest API of a service, with its OpenAPI settings."""
    app.config.update(
        API_TITLE=f"Ma Petite Planète: {service}",
        API_VERSION="v1",
        OPENAPI_VERSION="3.0.3",
        OPENAPI_URL_PREFIX=f"/{service}/api/v1",
        OPENAPI_JSON_PATH="openapi.json",
    )
    app.json = JsonProvider(app)
    app.url_map.converters["id"] = IdConverter
    api = Api(app)
    api.register_converter(IdConverter, lambda converter: {"type": "string", "format": "uuid"})
    api.spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"})
    return api
