"""The HTML pages of ranking: boards, the pieces that other pages include, a tenant's overview."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, g, render_template, request
from flask.typing import ResponseReturnValue

from services.ranking import domain
from services.ranking.api import EXPLANATIONS, PLAYER_EXPLANATION
from services.ranking.domain.boards import BoardPage, StandingLine
from services.ranking.domain.impact import impact_of_tenant
from services.ranking.domain.mine import (
    STAGES,
    Growth,
    editions_with_boards,
    is_told,
    me_in,
    names_of,
    own_contenders,
    own_leagues,
    planet_of,
    taking_part_in,
)
from services.ranking.domain.participation import ORDERS, editions_of_tenant, participation, totals
from services.ranking.domain.podium import podium_of, score_of
from services.ranking.domain.profile import profile_of
from services.ranking.domain.tenant_figures import play_of_tenant
from services.ranking.errors import NotOnBoard
from services.ranking.models import (
    EDITION,
    EDITION_LEAGUES,
    EDITION_TENANTS,
    LEAGUE,
    LEAGUE_PLAYERS,
    LEAGUE_TEAMS,
    PER_HEAD,
    PLAYER_BOARDS,
    TOTAL,
)
from shared.auth import ADMINISTRATOR, OPERATOR, ORGANISER, across_tenants_for_operators, public, roles
from shared.errors import NotFound
from shared.i18n import translate
from shared.pages.files import csv_file
from shared.pages.listing import Listed, asked_page, listed, pages_of, sliced
from shared.web import current_caller, current_session

SIZE = 30
RACE = 12
"""So many teams race on a player's page; a league with more shows the reader's own team below them."""
ASK_AGAIN = 5
"""So often a page asks again, a little later each time, whether the points it brought have arrived."""
OF_LEAGUE = {"teams": LEAGUE_TEAMS, "players": LEAGUE_PLAYERS}
OF_EDITION = {"leagues": EDITION_LEAGUES, "tenants": EDITION_TENANTS}

blueprint = Blueprint("pages", __name__, url_prefix="/ranking")


@blueprint.get("/counters")
@public
def counters() -> str:
    """The public counters of all editions, as a fragment."""
    return render_template("pages/counters.html", counters=domain.read_counters(current_session()))


@blueprint.get("/")
@public
def start() -> str:
    """The boards that concern the reader, then the editions whose boards they may read; for visitors, the open ones."""
    session, caller = current_session(), g.caller
    editions = listed(session, editions_with_boards())
    if caller is None:
        return render_template("pages/boards.html", page=None, editions=editions, organises=False)
    page = listed(session, own_leagues(caller), is_rows=True)
    organises = caller.has_role(ADMINISTRATOR, ORGANISER)
    return render_template("pages/boards.html", page=page, editions=editions, organises=organises)


@blueprint.get("/leagues/<id:league_id>/<name>")
@roles()
def league_board(league_id: UUID, name: str) -> ResponseReturnValue:
    """The teams or the players of a league."""
    return _board(OF_LEAGUE, name, LEAGUE, league_id)


@blueprint.get("/editions/<id:edition_id>/<name>")
@public
def edition_board(edition_id: UUID, name: str) -> ResponseReturnValue:
    """The leagues or the tenants of an edition; anybody may read it when the edition is open."""
    return _board(OF_EDITION, name, EDITION, edition_id)


def _board(boards: dict[str, str], name: str, scope: str, scope_id: UUID) -> str:
    if name not in boards:
        raise NotFound
    session, board = current_session(), boards[name]
    mine = _mine(board, scope, scope_id)
    asked = request.args.get("measure")
    measure = asked if asked in (TOTAL, PER_HEAD) else None
    around = mine[0] if mine and "around" in request.args else None
    is_missing = False
    try:
        shown = _read(board, scope_id, measure, around)
    except NotOnBoard:
        shown, is_missing = _read(board, scope_id, measure, None), True
    told = is_told(session, scope, scope_id)
    text = PLAYER_EXPLANATION if board in PLAYER_BOARDS else EXPLANATIONS[shown.measure]
    return render_template(
        "pages/board.html",
        board=shown,
        name=name,
        names=list(boards),
        title=names_of(session, scope, scope_id),
        address=f"/ranking/{scope}s/{scope_id}",
        league_id=scope_id if scope == LEAGUE else None,
        mine=mine,
        is_around=around is not None and not is_missing,
        is_missing=is_missing,
        is_of_players=board in PLAYER_BOARDS,
        is_told=told,
        podium=podium_of(shown) if told and (around is None or is_missing) else [],
        is_opened=not request.args,
        explanation=translate(text),
        top=max((score_of(shown, line) for line in shown.standings), default=0),
        impact=_impact(scope, scope_id),
        page=Listed(shown.standings, shown.page, pages_of(shown.total, SIZE), shown.total),
    )


def _mine(board: str, scope: str, scope_id: UUID) -> list[UUID]:
    """The reader's own lines of a board: their player, team, leagues or tenant."""
    session = current_session()
    if scope == EDITION:
        return own_contenders(session, g.caller, board, scope_id)
    me = me_in(session, g.caller, scope_id)
    contender = me.player_id if board == LEAGUE_PLAYERS else me.team_id
    return [contender] if contender is not None else []


def _read(board: str, scope_id: UUID, measure: str | None, around: UUID | None) -> BoardPage:
    return domain.read_board(
        current_session(),
        g.caller,
        board,
        scope_id,
        measure=measure,
        page=asked_page(),
        page_size=SIZE,
        around=around,
    )


def _impact(scope: str, scope_id: UUID) -> Any:
    return domain.read_impact(current_session(), g.caller, **{f"{scope}_id": scope_id})


@blueprint.get("/fragments/editions/<id:edition_id>/taking-part")
@roles()
def taking_part(edition_id: UUID) -> str:
    """How many leagues and tenants take part in an edition, as a fragment."""
    leagues, tenants = taking_part_in(current_session(), current_caller(), edition_id)
    return render_template("pages/taking_part.html", leagues=leagues, tenants=tenants, edition_id=edition_id)


@blueprint.get("/fragments/leagues/<id:league_id>/planet")
@roles()
def planet(league_id: UUID) -> ResponseReturnValue:
    """The planet of a league, as a fragment: it grows with the points per head.

    `?completion=`: says whether its points are in it already, and asks again as long as they are on their way.
    404 with a bare planet for a league that is not there, or whose events have not arrived yet.
    """
    completion_id = _asked_id("completion")
    try:
        growth, status = planet_of(current_session(), current_caller(), league_id, completion_id), 200
    except NotFound:
        growth, status = Growth(is_counted=False), 404
    asked = request.args.get("asked", "")[:2]
    return render_template(
        "pages/planet_piece.html",
        growth=growth,
        steps=STAGES,
        league_id=league_id,
        completion_id=completion_id,
        asked=int(asked) if asked.isdecimal() else 0,
        most_asked=ASK_AGAIN,
    ), status


def _asked_id(name: str) -> UUID | None:
    try:
        return UUID(request.args.get(name, ""))
    except ValueError:
        return None


@blueprint.get("/fragments/leagues/<id:league_id>/race")
@roles()
def race(league_id: UUID) -> ResponseReturnValue:
    """The teams of a league in a race, as a fragment; 404 like the planet."""
    mine = me_in(current_session(), current_caller(), league_id).team_id
    try:
        lines, status = _racing(league_id, mine), 200
    except NotFound:
        lines, status = [], 404
    top = max((line.points for line in lines), default=0)
    return render_template("pages/race.html", lines=lines, league_id=league_id, mine=mine, top=top), status


def _racing(league_id: UUID, mine: UUID | None) -> list[StandingLine]:
    """The first teams of the race, and the reader's own behind them when it is not among them."""
    session, caller = current_session(), current_caller()
    lines = domain.read_board(session, caller, LEAGUE_TEAMS, league_id, page_size=RACE).standings
    if mine is None or mine in {line.contender_id for line in lines}:
        return lines
    try:
        near = domain.read_board(session, caller, LEAGUE_TEAMS, league_id, around=mine).standings
    except NotOnBoard:
        return lines
    return [*lines, *(line for line in near if line.contender_id == mine)]


@blueprint.get("/fragments/me")
@roles()
def profile() -> str:
    """The reader's own points, places and impact, as a fragment; empty for somebody who plays nowhere and need not."""
    found = profile_of(current_session(), current_caller())
    return render_template("pages/profile_piece.html", leagues=found.leagues, impact=found.impact)


@blueprint.get("/fragments/tenants/<id:tenant_id>")
@roles(OPERATOR)
@across_tenants_for_operators
def tenant_piece(tenant_id: UUID) -> str:
    """How much a tenant plays, in figures, as a fragment; of a tenant without leagues it says so."""
    total, editions = play_of_tenant(current_session(), tenant_id)
    return render_template("pages/tenant_piece.html", total=total, editions=editions)


@blueprint.get("/overview.csv")
@roles(ADMINISTRATOR, ORGANISER)
def overview_table() -> Response:
    """The overview of an edition as a table for a spreadsheet. Raises NotFound for one without leagues of ours."""
    session, caller = current_session(), current_caller()
    asked = request.args.get("edition", "")
    chosen = next((row for row in editions_of_tenant(session, caller) if str(row.edition_id) == asked), None)
    if chosen is None:
        raise NotFound
    head = [translate("League"), translate("Players"), translate("Have begun"), translate("Completions")]
    rows = [
        (league.name, league.players, league.begun, "" if league.completions is None else league.completions)
        for league in participation(session, caller, chosen.edition_id, "name")
    ]
    return csv_file(f"{chosen.name}.csv", head, rows)


@blueprint.get("/overview")
@roles(ADMINISTRATOR, ORGANISER)
def overview() -> str:
    """Who takes part in an edition, league by league: a picture, and the table behind it."""
    session, caller = current_session(), current_caller()
    editions = editions_of_tenant(session, caller)
    by_id = {str(row.edition_id): row for row in editions}
    chosen = by_id.get(request.args.get("edition", ""), editions[0] if editions else None)
    if chosen is None:
        return render_template("pages/overview.html", editions=[], chosen=None)
    asked = request.args.get("order", "")
    order = asked if asked in ORDERS else ORDERS[0]
    leagues = participation(session, caller, chosen.edition_id, order)
    page = sliced(leagues)
    return render_template(
        "pages/overview.html",
        editions=editions,
        chosen=chosen,
        order=order,
        orders=ORDERS,
        page=page,
        leagues=page.items,
        totals=totals(leagues),
        impact=impact_of_tenant(session, caller, in_edition=chosen.edition_id),
    )
