"""Editions by page: the list, a new one, its phases, last year's again."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from services.leagues.domain import editions
from services.leagues.domain.leagues import JOINABLE
from services.leagues.models import EVERYONE, Edition
from services.leagues.page_schemas import ClonePageSchema, EditionNamePageSchema, EditionPageSchema
from services.leagues.schemas import MAX_NAME
from shared.auth import ADMINISTRATOR, OPERATOR, ORGANISER, roles
from shared.clock import transaction_time
from shared.errors import Forbidden, NotFound, message
from shared.forms import Form
from shared.i18n import translate
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

AUDIENCES = {
    EVERYONE: message("schools, companies and the community"),
    "school": message("schools"),
    "company": message("companies"),
    "community": message("the community"),
}

blueprint = Blueprint("edition_pages", __name__, url_prefix="/leagues/editions")


@blueprint.get("/")
@roles()
def list_editions() -> str:
    """The editions I may see, the newest first."""
    session, caller = current_session(), current_caller()
    page = listed(session, editions.list_editions(caller))
    now = transaction_time(session)
    calendars = [(edition, editions.calendar_of(edition, caller.zone)) for edition in page.items]
    shown = [(edition, calendar, editions.phase_of(edition, calendar, now)) for edition, calendar in calendars]
    return render_template(
        "pages/editions.html", page=page, editions=shown, may_open=caller.has_role(ADMINISTRATOR, OPERATOR)
    )


@blueprint.route("/new", methods=["GET", "POST"])
@roles(ADMINISTRATOR, OPERATOR)
def create() -> ResponseReturnValue:
    """A new edition, a draft at first: an operator's is open to other tenants."""
    caller = current_caller()
    is_open = caller.has_role(OPERATOR)
    starts_at = editions.next_monday(transaction_time(current_session()), caller.zone).isoformat(timespec="minutes")
    limits = {"grace_days": 2, "min_players": 6, "max_players": 40}
    form = Form(EditionPageSchema, {"audience": EVERYONE, "starts_at": starts_at, **limits})
    if form.is_sent:
        with form.refusals():
            facts = {"audience": EVERYONE} | form.data if is_open else form.data | {"audience": caller.tenant_kind}
            edition = editions.open_edition(current_session(), caller, facts | {"is_open": is_open})
            return redirect_to(f"/leagues/editions/{edition.edition_id}", "The edition is there, as a draft.")
    return form.page("pages/new_edition.html", is_open=is_open, edition=None, may_move=True, audiences=audiences())


def audiences() -> dict[str, str]:
    """For whom an edition can be, in words."""
    return {name: translate(text) for name, text in AUDIENCES.items()}


@blueprint.get("/<id:edition_id>")
@roles()
def show(edition_id: UUID) -> str:
    """An edition: its moments on the tenant's clock, its phase, what may be done with it."""
    session, caller = current_session(), current_caller()
    edition = editions.find_visible_edition(session, caller, edition_id)
    calendar = editions.calendar_of(edition, caller.zone)
    phase = editions.phase_of(edition, calendar, transaction_time(session))
    may_change = editions.may_change(caller, edition)
    may_play = caller.has_role(ADMINISTRATOR, ORGANISER) and not caller.has_role(OPERATOR)
    is_for_us = edition.audience in (EVERYONE, caller.tenant_kind)
    return render_template(
        "pages/edition.html",
        edition=edition,
        calendar=calendar,
        phase=phase,
        phases=editions.PHASES,
        audiences=audiences(),
        next_phase=NEXT[phase] if may_change else None,
        may_change=may_change,
        may_open_league=may_play and is_for_us and phase in JOINABLE,
    )


@blueprint.route("/<id:edition_id>/change", methods=["GET", "POST"])
@roles(ADMINISTRATOR, OPERATOR)
def change(edition_id: UUID) -> ResponseReturnValue:
    """Its name; its dates and limits too, as long as nobody has planned with them."""
    session, edition = current_session(), _changeable(edition_id)
    may_move = editions.may_move(session, edition)
    shown = {name: getattr(edition, name) for name in ("name", "audience", "grace_days", "min_players", "max_players")}
    shown |= {name: getattr(edition, name).isoformat(timespec="minutes") for name in ("starts_at", "ends_at")}
    form = Form(EditionPageSchema if may_move else EditionNamePageSchema, shown)
    if form.is_sent:
        with form.refusals():
            typed = form.data if edition.is_public else form.data | {"audience": edition.audience}
            editions.change_edition(session, editions.find_own_edition(session, current_caller(), edition_id), typed)
            return redirect_to(f"/leagues/editions/{edition_id}", "Saved.")
    return form.page(
        "pages/new_edition.html",
        is_open=edition.is_public,
        edition=edition,
        may_move=may_move,
        audiences=audiences(),
    )


def _changeable(edition_id: UUID) -> Edition:
    edition = editions.find_visible_edition(current_session(), current_caller(), edition_id)
    if not editions.may_change(current_caller(), edition):
        raise Forbidden
    return edition


@blueprint.post("/<id:edition_id>/<phase>")
@roles(ADMINISTRATOR, OPERATOR)
def move(edition_id: UUID, phase: str) -> ResponseReturnValue:
    """Publishes, freezes, reveals or archives."""
    if phase not in NEXT.values():
        raise NotFound
    session = current_session()
    edition = editions.find_own_edition(session, current_caller(), edition_id)
    if phase == editions.REGISTRATION:
        editions.require_to_come(session, edition)
    editions.move_to_phase(session, edition, phase)
    return redirect_to(f"/leagues/editions/{edition_id}", "The edition has moved on.")


@blueprint.route("/<id:edition_id>/clone", methods=["GET", "POST"])
@roles(ADMINISTRATOR, OPERATOR)
def clone(edition_id: UUID) -> ResponseReturnValue:
    """The same again, from a new start."""
    source = _changeable(edition_id)
    starts_at = source.starts_at + editions.A_YEAR
    name = _name_of_year(source.name, source.starts_at.year, starts_at.year)
    form = Form(ClonePageSchema, {"name": name, "starts_at": starts_at.isoformat(timespec="minutes")})
    if form.is_sent:
        with form.refusals():
            made = editions.clone_edition(current_session(), current_caller(), source, form.data)
            return redirect_to(f"/leagues/editions/{made.edition_id}", "The edition is there, as a draft.")
    return form.page("pages/clone_edition.html", source=source)


def _name_of_year(name: str, before: int, year: int) -> str:
    """The name that an edition suggests for the next one: with another year, so that the two do not look alike."""
    if str(before) in name:
        return name.replace(str(before), str(year))
    return f"{name[: MAX_NAME - 5]} {year}"
