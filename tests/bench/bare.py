"""The ceilings over HTTP: bare flask-smorest applications, under the gunicorn settings of the services.

python -m tests.bench.bare acts|boards|pages      settings by MPP_ variables, as for a service

`acts` validates what a completion is told with and inserts one row; `boards` runs the SELECT of a page of 50 lines;
`pages` renders a board of 30 lines that it holds in memory.
SQLAlchemy and psycopg are used as they come; nobody signs in, and the role sees every row.
"""

from __future__ import annotations

import os
import sys
import uuid
from datetime import date, datetime
from typing import Any

import flask_smorest
import marshmallow as ma
import sqlalchemy as sa
from flask import Flask, render_template_string
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from services.ranking.models import LEAGUE_PLAYERS, LIVE, Standing
from shared.clock import utc_now
from shared.server import Gunicorn
from shared.settings import Settings, read_settings

LINES = 50
PAGE_LINES = 30


class Base(DeclarativeBase):
    pass


class Act(Base):
    __tablename__ = "acts"
    completion_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    league_id: Mapped[uuid.UUID]
    player_id: Mapped[uuid.UUID | None]
    team_id: Mapped[uuid.UUID | None]
    challenge_id: Mapped[uuid.UUID]
    tier: Mapped[str | None]
    day: Mapped[date]
    note: Mapped[str | None]
    recorded_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))


class ActPutSchema(ma.Schema):
    league_id = ma.fields.UUID(required=True)
    challenge_id = ma.fields.UUID(required=True)
    player_id = ma.fields.UUID()
    team_id = ma.fields.UUID()
    tier = ma.fields.String(validate=ma.validate.Length(max=40))
    day = ma.fields.Date(required=True)
    note = ma.fields.String(validate=ma.validate.Length(max=500))


class ActSchema(ActPutSchema):
    completion_id = ma.fields.UUID()
    recorded_at = ma.fields.AwareDateTime()


class LineSchema(ma.Schema):
    contender_id = ma.fields.UUID()
    name = ma.fields.String()
    points = ma.fields.Integer()
    heads = ma.fields.Integer()
    per_head = ma.fields.Integer(allow_none=True)


def acts(engine: sa.Engine) -> flask_smorest.Blueprint:
    blueprint = flask_smorest.Blueprint("acts", __name__)

    @blueprint.route("/acts/<uuid:completion_id>", methods=["PUT"])
    @blueprint.arguments(ActPutSchema)
    @blueprint.response(201, ActSchema)
    def put_act(facts: dict[str, Any], completion_id: uuid.UUID) -> Any:
        act = Act(completion_id=completion_id, recorded_at=utc_now(), **facts)
        with Session(engine, expire_on_commit=False) as session, session.begin():
            session.add(act)
        return act

    return blueprint


def boards(engine: sa.Engine) -> flask_smorest.Blueprint:
    blueprint = flask_smorest.Blueprint("boards", __name__)

    @blueprint.route("/boards/<uuid:tenant_id>/<uuid:scope_id>")
    @blueprint.response(200, LineSchema(many=True))
    def get_board(tenant_id: uuid.UUID, scope_id: uuid.UUID) -> Any:
        board = sa.select(Standing).where(
            Standing.tenant_id == tenant_id,
            Standing.board == LEAGUE_PLAYERS,
            Standing.scope_id == scope_id,
            Standing.view == LIVE,
        )
        order = (Standing.points.desc(), Standing.name, Standing.contender_id)
        with Session(engine) as session:
            return session.scalars(board.order_by(*order).limit(LINES)).all()

    return blueprint


PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ title }}</title></head><body><h1>{{ title }}</h1>
<table>{% for line in lines %}
<tr><td>{{ loop.index }}</td><th>{{ line.name }}</th><td>{{ line.points }}</td></tr>{% endfor %}
</table></body></html>"""


def pages(engine: sa.Engine) -> flask_smorest.Blueprint:
    """A Jinja page of a board's lines, which are there already: no database, nobody who signs in."""
    blueprint = flask_smorest.Blueprint("pages", __name__)
    lines = [{"name": f"Player {number}", "points": number} for number in range(PAGE_LINES)]

    @blueprint.route("/page")
    def get_page() -> str:
        return render_template_string(PAGE, title="Board", lines=lines)

    return blueprint


ROUTES = {"acts": acts, "boards": boards, "pages": pages}


def create_app(kind: str, settings: Settings) -> Flask:
    engine = sa.create_engine(settings.database_url, pool_size=settings.pool)
    app = Flask(__name__)
    app.config.update(API_TITLE="bare", API_VERSION="1", OPENAPI_VERSION="3.0.3")
    flask_smorest.Api(app).register_blueprint(ROUTES[kind](engine))
    return app


if __name__ == "__main__":
    told = read_settings(os.environ)
    Gunicorn(lambda: create_app(sys.argv[1], told), told).run()
