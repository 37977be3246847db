"""Editions by page: the list, a new one, its phases, last year's again."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from services.leagues.domain import editions
from services.leagues.models import EVERYONE
from services.leagues.page_schemas import ClonePageSchema, EditionPageSchema
from shared.auth import ADMINISTRATOR, OPERATOR, roles
from shared.clock import transaction_time
from shared.errors import Forbidden, NotFound
from shared.forms import Form
from shared.pages import redirect_to
from shared.pages.listing import listed
from shared.web import current_caller, current_session

NEXT = {
    "draft": "registration",
    "registration": None,
    "running": None,
    "grace": "frozen",
    "frozen": "revealed",
    "revealed": "archived",
    "archived": None,
}
"""The phase a person moves an edition to; what has none waits for the clock."""

blueprint = Blueprint("edition_pages", __name__, url_prefix="/leagues/editions")


@blueprint.get("/")
@roles()
def list_editions() -> str:
    """The editions I may see, the newest first."""
    session, caller = current_session(), current_caller()
    page = listed(session, editions.list_editions(caller))
    now = transaction_time(session)
    shown = [
        (edition, editions.phase_of(edition, editions.calendar_of(edition, caller.zone), now)) for edition in page.items
    ]
    return render_template(
        "pages/editions.html", page=page, editions=shown, may_open=caller.has_role(ADMINISTRATOR, OPERATOR)
    )


@blueprint.route("/new", methods=["GET", "POST"])
@roles(ADMINISTRATOR, OPERATOR)
def create() -> ResponseReturnValue:
    """A new edition, a draft at first."""
    caller = current_caller()
    form = Form(EditionPageSchema, {"grace_days": 2, "min_players": 6, "max_players": 40})
    if form.is_sent:
        with form.refusals():
            is_open = caller.has_role(OPERATOR)
            facts = {"audience": EVERYONE if is_open else caller.tenant_kind, "is_open": is_open} | form.data
            edition = editions.open_edition(current_session(), caller, facts)
            return redirect_to(f"/leagues/editions/{edition.edition_id}", "The edition is there, as a draft.")
    return form.page("pages/new_edition.html")


@blueprint.get("/<id:edition_id>")
@roles()
def show(edition_id: UUID) -> str:
    """An edition: its moments on the tenant's clock, its phase, what may be done with it."""
    session, caller = current_session(), current_caller()
    edition = editions.find_visible_edition(session, caller, edition_id)
    calendar = editions.calendar_of(edition, caller.zone)
    phase = editions.phase_of(edition, calendar, transaction_time(session))
    may_change = editions.may_change(caller, edition)
    return render_template(
        "pages/edition.html",
        edition=edition,
        calendar=calendar,
        phase=phase,
        phases=editions.PHASES,
        next_phase=NEXT[phase] if may_change else None,
        may_change=may_change,
    )


@blueprint.post("/<id:edition_id>/<phase>")
@roles(ADMINISTRATOR, OPERATOR)
def move(edition_id: UUID, phase: str) -> ResponseReturnValue:
    """Publishes, freezes, reveals or archives."""
    if phase not in NEXT.values():
        raise NotFound
    session = current_session()
    edition = editions.find_own_edition(session, current_caller(), edition_id)
    editions.move_to_phase(session, edition, phase)
    return redirect_to(f"/leagues/editions/{edition_id}", "The edition has moved on.")


@blueprint.route("/<id:edition_id>/clone", methods=["GET", "POST"])
@roles(ADMINISTRATOR, OPERATOR)
def clone(edition_id: UUID) -> ResponseReturnValue:
    """The same again, from a new start."""
    session, caller = current_session(), current_caller()
    source = editions.find_visible_edition(session, caller, edition_id)
    if not editions.may_change(caller, source):
        raise Forbidden
    form = Form(ClonePageSchema, {"name": source.name})
    if form.is_sent:
        with form.refusals():
            made = editions.clone_edition(session, caller, source, form.data)
            return redirect_to(f"/leagues/editions/{made.edition_id}", "The edition is there, as a draft.")
    return form.page("pages/clone_edition.html", source=source)
