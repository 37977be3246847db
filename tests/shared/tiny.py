"""A tiny service of these tests' own: notes, and a view for everything that can go wrong."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import marshmallow as ma
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from flask_smorest.pagination import PaginationParameters
from psycopg.errors import ReadOnlySqlTransaction
from sqlalchemy.exc import InternalError, OperationalError, TimeoutError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.api import Blueprint, paged
from shared.auth import OPERATOR, Caller, SigningKey, across_tenants_for_operators, public, roles
from shared.clock import utc_now
from shared.database import NAMES, Columns, Database, SharedBase, TenantRow, new_id
from shared.errors import Conflict, Invalid, NotFound, Refusal, TooManyRequests, message
from shared.schemas import Integer, Schema, Text, Zone
from shared.settings import Settings
from shared.tenancy import PUBLIC, across_tenants
from shared.web import build_app, current_caller, current_session
from tests.house import TEST_KEY, token_of

API = "/tiny/api/v1"


class Base(Columns, DeclarativeBase):
    metadata = sa.MetaData(naming_convention=NAMES)


class Note(TenantRow, Base):
    __tablename__ = "notes"

    note_id: Mapped[UUID] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(unique=True)
    count: Mapped[int] = mapped_column(default=0)


class NoteSchema(Schema):
    note_id = ma.fields.UUID(dump_only=True)
    text = Text(maximum=40, required=True)
    count = Integer(maximum=100)
    zone = Zone(load_only=True)
    weight = ma.fields.Float(load_only=True)
    labels = ma.fields.List(Text(maximum=5), load_only=True)


class NoteQuerySchema(Schema):
    word = Text(maximum=10)


class Remembered(Refusal):
    status = 409
    code = "remembered"
    text = message("This contradicts what is already recorded. Load it again and retry.")
    keeps_changes = True


blueprint = Blueprint("notes", __name__, url_prefix=API)


def write_note(text: str, count: int = 0) -> Note:
    note = Note(tenant_id=current_caller().tenant_id, note_id=new_id(), text=text, count=count)
    current_session().add(note)
    current_session().flush()
    return note


def find_note(note_id: UUID) -> Note:
    note = current_session().get(Note, (current_caller().tenant_id, note_id))
    if note is None:
        raise NotFound
    return note


@blueprint.route("/notes", methods=["POST"])
@roles("organiser", "administrator")
@blueprint.arguments(NoteSchema)
@blueprint.response(201, NoteSchema)
def post_note(values: dict[str, Any]) -> Note:
    """Write a note."""
    return write_note(values["text"], values.get("count", 0))


@blueprint.route("/notes")
@roles()
@blueprint.arguments(NoteQuerySchema, location="query")
@blueprint.response(200, NoteSchema(many=True))
@blueprint.paginate()
def get_notes(values: dict[str, Any], pagination_parameters: PaginationParameters) -> Any:
    """List the notes."""
    found = sa.select(Note).where(Note.text.contains(values.get("word", ""), autoescape=True)).order_by(Note.text)
    return paged(current_session(), found, pagination_parameters)


@blueprint.route("/notes/<id:note_id>")
@blueprint.etag
@roles()
@blueprint.response(200, NoteSchema)
def get_note(note_id: UUID) -> Note:
    """Read a note."""
    return find_note(note_id)


@blueprint.route("/notes/<id:note_id>", methods=["PUT"])
@blueprint.etag
@roles()
@blueprint.arguments(NoteSchema)
@blueprint.response(200, NoteSchema)
def put_note(values: dict[str, Any], note_id: UUID) -> Note:
    """Change a note."""
    note = find_note(note_id)
    blueprint.check_etag(note, NoteSchema)
    note.text = values["text"]
    return note


@blueprint.route("/count")
@roles(OPERATOR)
@across_tenants_for_operators
@blueprint.response(200)
def get_count() -> Any:
    """Count the notes of everybody."""
    return {"notes": current_session().scalar(sa.select(sa.func.count()).select_from(Note))}


@blueprint.route("/welcome")
@public
@blueprint.response(200)
def get_welcome() -> Any:
    """Welcome everybody."""
    return {"notes": current_session().scalar(sa.select(sa.func.count()).select_from(Note))}


FAILURES: dict[str, Any] = {
    "conflict": Conflict,
    "invalid": Invalid(fields={"text": ["This cannot be empty."]}),
    "remembered": Remembered,
    "throttled": TooManyRequests(seconds=7),
    "broken": RuntimeError("a bug"),
    "locked": OperationalError("SELECT", {}, Exception("database is locked")),
    "crowded": TimeoutError("QueuePool limit reached"),
    "read-only": InternalError("INSERT", {}, ReadOnlySqlTransaction("cannot execute INSERT")),
}


@blueprint.route("/failures/<kind>", methods=["POST"])
@roles()
@blueprint.response(204)
def post_failure(kind: str) -> None:
    """Write a note, then fail."""
    write_note(kind)
    raise FAILURES[kind]


@blueprint.route("/twins", methods=["POST"])
@roles()
@blueprint.response(204)
def post_twins() -> None:
    """Write what the database refuses at the commit."""
    for _ in range(2):
        note = Note(tenant_id=current_caller().tenant_id, note_id=new_id(), text="Camille Dupont", count=0)
        current_session().add(note)


@blueprint.route("/unmarked")
@blueprint.response(204)
def get_unmarked() -> None:
    """Say nothing about who may call it."""


@contextlib.contextmanager
def open_tiny(folder: Path, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> Iterator[Tiny]:
    """The service on an empty database that knows the test's signing key."""
    monkeypatch.setattr("shared.health.pending_migrations", lambda service, database: [])
    database = Database(f"sqlite:///{folder}/tiny.db?synchronous=off")
    Base.metadata.create_all(database.engine)
    SharedBase.metadata.create_all(database.engine)
    with database.transaction(PUBLIC) as session:
        jwk = {key: value for key, value in TEST_KEY.as_dict(private=False).items() if isinstance(value, str)}
        session.add(SigningKey(key_id="test", jwk=jwk, expires_at=utc_now().replace(year=2200)))
    yield Tiny(
        build_app("tiny", Settings(data=folder, **settings), database, [blueprint], import_name=__name__), database
    )
    database.close()


class Tiny:
    def __init__(self, app: Flask, database: Database) -> None:
        self.app = app
        self.database = database

    def client(self, caller: Caller | None = None) -> FlaskClient:
        """A client that sends the caller's token, as a program does."""
        client = self.app.test_client()
        if caller is not None:
            client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token_of(caller)}"
        return client

    def browser(self, caller: Caller) -> FlaskClient:
        """A client that sends the caller's cookie, as a browser does."""
        client = self.app.test_client()
        client.set_cookie("mpp_access", token_of(caller))
        return client

    def notes(self) -> list[str]:
        with self.database.transaction(across_tenants(), read_only=True) as session:
            return list(session.scalars(sa.select(Note.text).order_by(Note.text)))
