"""The JSON routes of ranking."""

from __future__ import annotations

from dataclasses import fields
from typing import Any
from uuid import UUID

from flask import g
from flask_smorest.pagination import PaginationParameters

from services.ranking import domain
from services.ranking.domain import BoardPage
from services.ranking.errors import NotOnBoard, TooManyScopes
from services.ranking.models import (
    EDITION_LEAGUES,
    EDITION_TENANTS,
    LEAGUE_PLAYERS,
    LEAGUE_TEAMS,
    PER_HEAD,
    PLAYER_BOARDS,
    TEAM_PLAYERS,
    TOTAL,
)
from services.ranking.schemas import (
    BoardQuerySchema,
    BoardSchema,
    BracketQuerySchema,
    CountersSchema,
    ImpactQuerySchema,
    ImpactSchema,
    PositionSchema,
)
from shared.api import Blueprint
from shared.auth import Caller, public, roles
from shared.errors import NotSignedIn, message
from shared.i18n import translate
from shared.openapi import refuses
from shared.web import current_caller, current_session

blueprint = Blueprint(
    "ranking", __name__, url_prefix="/ranking/api/v1", description="Boards, positions, measured impact."
)

EXPLANATIONS = {
    TOTAL: message("All points won so far, malus points taken off."),
    PER_HEAD: message(
        "Points divided by the number of players. From the moment the head count is frozen, players who leave still "
        "count and late ones are added."
    ),
}
PLAYER_EXPLANATION = message("The player's own points; those of team challenges go to the team.")


def explain(page: BoardPage) -> dict[str, Any]:
    """A page of a board, with what its measure means in the reader's language."""
    text = PLAYER_EXPLANATION if page.board in PLAYER_BOARDS else EXPLANATIONS[page.measure]
    shown = {field.name: getattr(page, field.name) for field in fields(page)}  # asdict() would copy every line
    return shown | {"explanation": translate(text)}


def _caller() -> Caller | None:
    caller: Caller | None = g.caller
    return caller


def _board(board: str, scope_id: UUID, query: dict[str, Any], paging: PaginationParameters) -> dict[str, Any]:
    page = domain.read_board(
        current_session(),
        _caller(),
        board,
        scope_id,
        measure=query.get("measure"),
        page=paging.page,
        page_size=paging.page_size,
        around=query.get("around"),
        bracket=query.get("age_band"),
    )
    paging.item_count = page.total
    return explain(page)


@blueprint.route("/leagues/<id:league_id>/teams")
@roles()
@refuses(NotOnBoard)
@blueprint.arguments(BoardQuerySchema, location="query")
@blueprint.response(200, BoardSchema)
@blueprint.paginate()
def league_teams(query: dict[str, Any], league_id: UUID, pagination_parameters: PaginationParameters) -> Any:
    """The teams of a league."""
    return _board(LEAGUE_TEAMS, league_id, query, pagination_parameters)


@blueprint.route("/leagues/<id:league_id>/players")
@roles()
@refuses(NotOnBoard)
@blueprint.arguments(BoardQuerySchema, location="query")
@blueprint.response(200, BoardSchema)
@blueprint.paginate()
def league_players(query: dict[str, Any], league_id: UUID, pagination_parameters: PaginationParameters) -> Any:
    """The players of a league."""
    return _board(LEAGUE_PLAYERS, league_id, query, pagination_parameters)


@blueprint.route("/teams/<id:team_id>/players")
@roles()
@refuses(NotOnBoard)
@blueprint.arguments(BoardQuerySchema, location="query")
@blueprint.response(200, BoardSchema)
@blueprint.paginate()
def team_players(query: dict[str, Any], team_id: UUID, pagination_parameters: PaginationParameters) -> Any:
    """The players of a team."""
    return _board(TEAM_PLAYERS, team_id, query, pagination_parameters)


@blueprint.route("/editions/<id:edition_id>/leagues")
@public
@refuses(NotOnBoard)
@blueprint.arguments(BracketQuerySchema, location="query")
@blueprint.response(200, BoardSchema)
@blueprint.paginate()
def edition_leagues(query: dict[str, Any], edition_id: UUID, pagination_parameters: PaginationParameters) -> Any:
    """The leagues of an edition.

    Anybody may read it when the edition is open; otherwise the people of its tenant.
    """
    return _board(EDITION_LEAGUES, edition_id, query, pagination_parameters)


@blueprint.route("/editions/<id:edition_id>/tenants")
@public
@refuses(NotOnBoard)
@blueprint.arguments(BoardQuerySchema, location="query")
@blueprint.response(200, BoardSchema)
@blueprint.paginate()
def edition_tenants(query: dict[str, Any], edition_id: UUID, pagination_parameters: PaginationParameters) -> Any:
    """The schools, companies and communities of an edition.

    Anybody may read it when the edition is open; otherwise the people of its tenant.
    """
    return _board(EDITION_TENANTS, edition_id, query, pagination_parameters)


@blueprint.route("/players/<id:player_id>/position")
@roles()
@blueprint.response(200, PositionSchema)
def player_position(player_id: UUID) -> Any:
    """The places of a player in league and team, with the neighbours."""
    found = domain.read_position(current_session(), current_caller(), player_id)
    return {
        "player_id": found.player_id,
        "view": found.view,
        "league": explain(found.league) if found.league else None,
        "team": explain(found.team) if found.team else None,
    }


@blueprint.route("/impact")
@public
@refuses(TooManyScopes, NotSignedIn)
@blueprint.arguments(ImpactQuerySchema, location="query")
@blueprint.response(200, ImpactSchema)
def impact(query: dict[str, Any]) -> Any:
    """What a league, a team, an edition or your whole tenant saved.

    Of an open edition anybody may ask; of anything else, the people of its tenant.
    """
    return domain.read_impact(current_session(), _caller(), **query)


@blueprint.route("/counters")
@public
@blueprint.response(200, CountersSchema)
def counters() -> Any:
    """Players, leagues, completions and impact of all editions together."""
    return domain.read_counters(current_session())
