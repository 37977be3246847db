"""Joining a league: by its code, its link or its QR code."""

from __future__ import annotations

from flask import Blueprint, g, render_template, request
from flask.typing import ResponseReturnValue

from services.leagues.domain import leagues, players, teams
from services.leagues.domain.doors import door_of
from services.leagues.domain.editions import calendar_of, phase_of
from services.leagues.domain.leagues import is_code, shown_code
from services.leagues.domain.listing import leagues_to_join
from services.leagues.errors import AlreadyPlaying, CodeUnknown
from services.leagues.page_schemas import JoinPageSchema
from shared.auth import ADMINISTRATOR, ORGANISER, public, roles
from shared.clock import transaction_time
from shared.forms import Form
from shared.pages import redirect_to
from shared.pages.listing import listed
from shared.web import current_caller, current_session

blueprint = Blueprint("joining_pages", __name__, url_prefix="/leagues")


@blueprint.get("/join")
@public
def type_code() -> ResponseReturnValue:
    """Type a code."""
    code = request.args.get("code", "").strip()
    if code and is_code(code):
        return redirect_to(f"/leagues/join/{leagues.plain_code(code)}")
    return render_template("pages/type_code.html", code=code[:40], is_wrong=bool(code))


@blueprint.get("/open")
@roles()
def open_leagues() -> str:
    """The leagues that take players who come alone."""
    session, caller = current_session(), current_caller()
    found = listed(session, leagues_to_join(session, caller), is_rows=True)
    may_create = caller.has_role(ADMINISTRATOR, ORGANISER) or caller.tenant_kind == leagues.COMMUNITY
    return render_template("pages/open_leagues.html", page=found, may_create=may_create)


@blueprint.route("/join/<code>", methods=["GET", "POST"])
@public
def join(code: str) -> ResponseReturnValue:
    """Choose a name and a team.

    To those who have not signed in, or have with another tenant, it says whose league it is (a school's, a company's,
    one among friends), so that they know which account to come with, and nothing else of it.
    """
    if not is_code(code):
        raise CodeUnknown(given=code)
    session, caller = current_session(), g.caller
    try:
        door = door_of(session, code)
    except CodeUnknown:
        return render_template("pages/type_code.html", code=shown_code(code), is_unknown=True), 404
    if caller is None or caller.tenant_id != door.tenant_id:
        told = {"code": shown_code(code), "kind": door.tenant_kind, "path_here": f"/leagues/join/{code}"}
        return render_template("pages/invited.html", **told), 403 if caller else 200
    league = leagues.find_league_by_code(session, code, is_locked=request.method == "POST")
    if leagues.own_player(session, caller, league) is not None:
        return redirect_to(f"/leagues/{league.league_id}", AlreadyPlaying.text)
    form = Form(JoinPageSchema, {"display_name": players.known_name(session, caller) or ""})
    if form.is_sent:
        with form.refusals():
            players.join_league(session, caller, league, **form.data)
            return redirect_to(f"/leagues/{league.league_id}", "Welcome to {league}!", league=league.name)
    edition = leagues.edition_of(session, league)
    phase = phase_of(edition, calendar_of(edition, league.zone), transaction_time(session))
    return form.page(
        "pages/join.html",
        league=league,
        edition=edition,
        is_closed=phase not in leagues.JOINABLE,
        teams=teams.teams_with_sizes(session, league),
    )
