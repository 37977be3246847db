"""What operators see of each service: how it is, which events wait, and those that could not be handled."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from shared import dead_letters
from shared.auth import OPERATOR, roles
from shared.database import Database
from shared.errors import NotFound
from shared.health import what_is_not_ready, what_is_unwell
from shared.outbox import pending
from shared.pages.moves import redirect_to
from shared.service import load_service
from shared.tenancy import across_tenants
from shared.web import current_session


def operating_blueprint(service: str, database: Database) -> Blueprint:
    """`/<service>/fragments/health` and `/<service>/dead-letters`, for operators alone."""
    blueprint = Blueprint("operating", __name__, url_prefix=f"/{service}")

    @blueprint.get("/fragments/health")
    @roles(OPERATOR)
    def health() -> str:
        problems = what_is_not_ready(service, database, answers_people=True)
        warnings = [] if problems else what_is_unwell(service, database)
        waiting, oldest = (0, None) if problems else _waiting(database)
        return render_template(
            "operating/health.html", problems=problems, warnings=warnings, waiting=waiting, oldest=oldest
        )

    @blueprint.get("/dead-letters")
    @roles(OPERATOR)
    def letters() -> str:
        return render_template("operating/dead_letters.html", letters=dead_letters.list_dead_letters(database))

    @blueprint.post("/dead-letters/<action>")
    @roles(OPERATOR)
    def act_on_all(action: str) -> ResponseReturnValue:
        return _act(service, database, action, None)

    @blueprint.post("/dead-letters/<id:dead_letter_id>/<action>")
    @roles(OPERATOR)
    def act_on_one(dead_letter_id: UUID, action: str) -> ResponseReturnValue:
        return _act(service, database, action, dead_letter_id)

    return blueprint


def _waiting(database: Database) -> tuple[int, object]:
    with database.transaction(across_tenants(), read_only=True) as session:
        return pending(session)


def _act(service: str, database: Database, action: str, only: UUID | None) -> ResponseReturnValue:
    """Tries letters again or gives them up, in transactions of their own: ours must not stand in their way."""
    current_session().rollback()
    back = f"/{service}/dead-letters"
    if action == "replay":
        handled, left = dead_letters.replay_dead_letters(database, load_service(service).handlers, only)
        return redirect_to(back, "{handled} handled, {left} left.", handled=handled, left=left)
    if action == "drop" and only is not None:
        dead_letters.drop_dead_letters(database, only)
        return redirect_to(back, "Dropped.")
    raise NotFound
