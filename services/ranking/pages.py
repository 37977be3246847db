"""The HTML pages of ranking: boards, the pieces that other pages include, a tenant's overview."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, g, render_template, request
from flask.typing import ResponseReturnValue

from services.ranking import domain
from services.ranking.api import EXPLANATIONS, PLAYER_EXPLANATION
from services.ranking.domain.mine import STAGES, me_in, names_of, own_leagues, participation, planet_of, stage_of
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
from shared.auth import ADMINISTRATOR, ORGANISER, public, roles
from shared.errors import NotFound
from shared.i18n import translate
from shared.pages.listing import Listed, asked_page, listed, pages_of
from shared.web import current_caller, current_session

SIZE = 30
OF_LEAGUE = {"teams": LEAGUE_TEAMS, "players": LEAGUE_PLAYERS}
OF_EDITION = {"leagues": EDITION_LEAGUES, "tenants": EDITION_TENANTS}

blueprint = Blueprint("pages", __name__, url_prefix="/ranking")


@blueprint.get("/counters")
@public
def counters() -> str:
    """The public counters of all editions, as a fragment."""
    return render_template("pages/counters.html", counters=domain.read_counters(current_session()))


@blueprint.get("/")
@roles()
def start() -> str:
    """The boards that concern the reader."""
    page = listed(current_session(), own_leagues(current_caller()), is_rows=True)
    organises = current_caller().has_role(ADMINISTRATOR, ORGANISER)
    return render_template("pages/boards.html", page=page, organises=organises)


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
    me = me_in(session, g.caller, scope_id) if scope == LEAGUE else None
    mine = (me.player_id if board == LEAGUE_PLAYERS else me.team_id) if me else None
    measure = request.args.get("measure")
    is_around = mine is not None and "around" in request.args
    shown = domain.read_board(
        session,
        g.caller,
        board,
        scope_id,
        measure=measure if measure in (TOTAL, PER_HEAD) else None,
        page=asked_page(),
        page_size=SIZE,
        around=mine if is_around else None,
    )
    text = PLAYER_EXPLANATION if board in PLAYER_BOARDS else EXPLANATIONS[shown.measure]
    return render_template(
        "pages/board.html",
        board=shown,
        name=name,
        names=list(boards),
        title=names_of(session, scope, scope_id),
        address=f"/ranking/{scope}s/{scope_id}",
        mine=mine,
        is_around=is_around,
        is_of_players=board in PLAYER_BOARDS,
        explanation=translate(text),
        top=max((_score(line, shown.measure) for line in shown.standings), default=0),
        impact=_impact(scope, scope_id),
        page=Listed(shown.standings, shown.page, pages_of(shown.total, SIZE), shown.total),
    )


def _score(line: Any, measure: str) -> float:
    score: float = line.per_head or 0 if measure == PER_HEAD else line.points
    return score


def _impact(scope: str, scope_id: UUID) -> Any:
    return domain.read_impact(current_session(), g.caller, **{f"{scope}_id": scope_id})


@blueprint.get("/fragments/leagues/<id:league_id>/planet")
@roles()
def planet(league_id: UUID) -> str:
    """The planet of a league, as a fragment: it grows with the points per head."""
    points, heads = planet_of(current_session(), current_caller(), league_id)
    stage = stage_of(points, heads)
    return render_template(
        "pages/planet_piece.html", stage=stage, points_per_head=points / heads if heads else 0, steps=STAGES
    )


@blueprint.get("/fragments/leagues/<id:league_id>/race")
@roles()
def race(league_id: UUID) -> str:
    """The teams of a league in a race, as a fragment."""
    session, caller = current_session(), current_caller()
    board = domain.read_board(session, caller, LEAGUE_TEAMS, league_id, page_size=12)
    return render_template(
        "pages/race.html",
        board=board,
        league_id=league_id,
        mine=me_in(session, caller, league_id).team_id,
        top=max((line.points for line in board.standings), default=0),
    )


@blueprint.get("/overview")
@roles(ADMINISTRATOR, ORGANISER)
def overview() -> str:
    """The leagues of a tenant in figures: a picture, and the table behind it."""
    session, caller = current_session(), current_caller()
    return render_template(
        "pages/overview.html",
        leagues=participation(session, caller),
        impact=domain.read_impact(session, caller),
    )
