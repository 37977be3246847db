"""What operators see of each service: how it is, which events wait, and those that could not be handled."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from babel.dates import format_timedelta
from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from shared import dead_letters
from shared.auth import OPERATOR, roles
from shared.clock import utc_now
from shared.database import Database
from shared.errors import NotFound
from shared.health import OLD_SECONDS, SKEW_SECONDS, what_is_not_ready
from shared.i18n import current_language
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
        numbers = Numbers() if problems else _count(database)
        language = current_language()
        waited = format_timedelta(numbers.age, locale=language, threshold=1.2) if numbers.age is not None else ""
        return render_template(
            "operating/health.html", problems=problems, numbers=numbers, waited=waited, asked_at=utc_now()
        )

    @blueprint.get("/dead-letters")
    @roles(OPERATOR)
    def letters() -> str:
        return render_template(
            "operating/dead_letters.html",
            letters=dead_letters.list_dead_letters(database),
            failed=request.args.get("failed", ""),
            total=_count(database).letters,
        )

    @blueprint.post("/dead-letters/<action>")
    @roles(OPERATOR)
    def act_on_all(action: str) -> ResponseReturnValue:
        return _act(service, database, action, None)

    @blueprint.post("/dead-letters/<id:dead_letter_id>/<action>")
    @roles(OPERATOR)
    def act_on_one(dead_letter_id: UUID, action: str) -> ResponseReturnValue:
        return _act(service, database, action, dead_letter_id)

    return blueprint


class Numbers(NamedTuple):
    """What an operator looks at first. `age`: how long the oldest event has waited; `skew`: seconds, 0 when small."""

    waiting: int = 0
    age: timedelta | None = None
    letters: int = 0
    skew: float = 0.0

    @property
    def is_old(self) -> bool:
        """Whether events wait as if nobody published them."""
        return self.age is not None and self.age.total_seconds() > OLD_SECONDS

    @property
    def is_unwell(self) -> bool:
        """Whether somebody should look at it although it works."""
        return self.is_old or self.letters > 0 or self.skew > 0


def _count(database: Database) -> Numbers:
    with database.transaction(across_tenants(), read_only=True) as session:
        waiting, oldest = pending(session)
        letters = dead_letters.count_dead_letters(session)
    age = max(utc_now() - oldest, timedelta()) if oldest is not None else None
    skew = abs(database.clock_skew())
    return Numbers(waiting, age, letters, skew if skew > SKEW_SECONDS else 0.0)


def _act(service: str, database: Database, action: str, only: UUID | None) -> ResponseReturnValue:
    """Tries letters again or gives them up, in transactions of their own: ours must not stand in their way."""
    current_session().rollback()
    back = f"/{service}/dead-letters"
    if action == "replay":
        handled, left = dead_letters.replay_dead_letters(database, load_service(service).handlers, only)
        if only is not None and left:
            return redirect_to(f"{back}?failed={only}#letter-{only}", "It failed again: its new error is shown.")
        if left:
            return redirect_to(
                f"{back}?failed=all",
                "Tried again. Handled: {handled}. Failed again, with the errors shown: {left}.",
                handled=handled,
                left=left,
            )
        return redirect_to(back, "Handled: {handled}. None is left.", handled=handled)
    if action == "drop" and only is not None:
        dead_letters.drop_dead_letters(database, only)
        return redirect_to(back, "Dropped.")
    raise NotFound
