"""The ceiling: a bare flask-smorest application. One route validates and inserts a row, one runs an indexed SELECT.

python -m tests.bench.bare PORT FOLDER      under the same gunicorn settings as ours
"""

from __future__ import annotations

import sys
import uuid
from pathlib import Path
from typing import Any

import flask_smorest
import marshmallow as ma
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from shared.database import Database
from shared.server import Gunicorn
from shared.settings import Settings

LINES = 50
BOARDS = 2000


class Base(DeclarativeBase):
    pass


class Act(Base):
    __tablename__ = "acts"
    act_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    player_id: Mapped[uuid.UUID]
    day: Mapped[str]


class Line(Base):
    __tablename__ = "lines"
    board: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    points: Mapped[int]
    name: Mapped[str]
    __table_args__ = (sa.Index("ix_lines_board_points", "board", "points"),)


class ActSchema(ma.Schema):
    player_id = ma.fields.UUID(required=True)
    day = ma.fields.String(required=True)


class LineSchema(ma.Schema):
    number = ma.fields.Integer()
    points = ma.fields.Integer()
    name = ma.fields.String()


def create_app(url: str) -> Flask:
    engine = Database(url).engine  # the same pragmas as ours: WAL, full synchronous
    app = Flask(__name__)
    app.config.update(API_TITLE="bare", API_VERSION="1", OPENAPI_VERSION="3.0.3")
    blueprint = flask_smorest.Blueprint("bare", __name__)

    @blueprint.route("/acts/<uuid:act_id>", methods=["PUT"])
    @blueprint.arguments(ActSchema)
    @blueprint.response(201, ActSchema)
    def put_act(facts: dict[str, Any], act_id: uuid.UUID) -> Any:
        with Session(engine) as session, session.begin():
            session.add(Act(act_id=act_id, **facts))
        return facts

    @blueprint.route("/boards/<int:board>")
    @blueprint.response(200, LineSchema(many=True))
    def get_board(board: int) -> Any:
        with Session(engine.execution_options(read_only=True)) as session:
            lines = sa.select(Line).where(Line.board == board).order_by(Line.points.desc()).limit(LINES)
            return session.scalars(lines).all()

    flask_smorest.Api(app).register_blueprint(blueprint)
    return app


def main(port: int, folder: Path) -> None:
    url = f"sqlite:///{folder}/bare.db"
    engine = Database(url).engine
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        for board in range(BOARDS):
            rows = [{"board": board, "number": n, "points": n * 7 % 101, "name": f"Joueuse {n}"} for n in range(LINES)]
            connection.execute(sa.insert(Line), rows)
    engine.dispose()
    Gunicorn(lambda: create_app(url), Settings(port=port)).run()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
