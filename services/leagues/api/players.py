"""Routes of players."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask_smorest.pagination import PaginationParameters

from services.leagues.domain import leagues, players
from services.leagues.errors import (
    AlreadyPlaying,
    CodeUnknown,
    EditionNotOpen,
    LeagueFull,
    NameNeeded,
    NotInLeague,
    NotLeader,
    NotYours,
    PlayerUnknown,
    TeamsLocked,
    TeamUnknown,
)
from services.leagues.schemas import (
    JoinSchema,
    PlayerChangeSchema,
    PlayerQuerySchema,
    PlayersAddSchema,
    PlayerSchema,
)
from shared.api import Blueprint, paged
from shared.auth import ADMINISTRATOR, ORGANISER, PLAYER, PUPIL, roles
from shared.openapi import refuses
from shared.web import current_caller, current_session

blueprint = Blueprint("players", __name__, url_prefix="/leagues/api/v1", description="Who plays")


@blueprint.route("/players", methods=["POST"])
@roles(ADMINISTRATOR, ORGANISER, PLAYER, PUPIL)
@refuses(CodeUnknown, AlreadyPlaying, LeagueFull, EditionNotOpen, TeamUnknown, NameNeeded)
@blueprint.arguments(JoinSchema)
@blueprint.response(201, PlayerSchema)
def join_league(facts: dict[str, Any]) -> Any:
    """Join a league with its code.

    In the team you choose, or in the one with fewest players.
    """
    session = current_session()
    league = leagues.find_league_by_code(session, facts.pop("code"), is_locked=True)
    return players.join_league(
        session, current_caller(), league, display_name=facts.get("display_name"), team_id=facts["team_id"]
    )


@blueprint.route("/leagues/<id:league_id>/players")
@roles()
@refuses(NotInLeague)
@blueprint.arguments(PlayerQuerySchema, location="query")
@blueprint.response(200, PlayerSchema(many=True))
@blueprint.paginate()
def list_players(query: dict[str, Any], league_id: UUID, pagination_parameters: PaginationParameters) -> Any:
    """List the players of a league, or of one of its teams."""
    session = current_session()
    league = leagues.find_league(session, league_id)
    leagues.require_member(session, current_caller(), league)
    return paged(session, players.list_players(league, query.get("team_id")), pagination_parameters)


@blueprint.route("/leagues/<id:league_id>/players", methods=["POST"])
@roles(ADMINISTRATOR, ORGANISER, PLAYER)
@refuses(NotLeader, LeagueFull, EditionNotOpen, TeamUnknown)
@blueprint.arguments(PlayersAddSchema)
@blueprint.response(201, PlayerSchema(many=True))
def add_players(facts: dict[str, Any], league_id: UUID) -> Any:
    """Enter players by pseudonym.

    For pupils without an account: their leader records for them. All of the names are entered, or none.
    """
    session = current_session()
    league = leagues.find_league(session, league_id, is_locked=True)
    leagues.require_leader(session, current_caller(), league)
    return players.add_players(session, league, facts["names"], facts["team_id"])


@blueprint.route("/leagues/<id:league_id>/players/<id:player_id>")
@roles()
@refuses(NotInLeague, PlayerUnknown)
@blueprint.etag
@blueprint.response(200, PlayerSchema)
def get_player(league_id: UUID, player_id: UUID) -> Any:
    """Show a player."""
    session = current_session()
    league = leagues.find_league(session, league_id)
    leagues.require_member(session, current_caller(), league)
    return players.find_player(session, league, player_id)


@blueprint.route("/leagues/<id:league_id>/players/<id:player_id>", methods=["PATCH"])
@roles(ADMINISTRATOR, ORGANISER, PLAYER, PUPIL)
@refuses(NotYours, PlayerUnknown, TeamUnknown, TeamsLocked)
@blueprint.etag
@blueprint.arguments(PlayerChangeSchema)
@blueprint.response(200, PlayerSchema)
def change_player(changes: dict[str, Any], league_id: UUID, player_id: UUID) -> Any:
    """Rename a player, or move them to another team.

    Points already won stay with the team they were won for.
    """
    session = current_session()
    league = leagues.find_league(session, league_id, is_locked=True)
    player = players.find_player(session, league, player_id)
    blueprint.check_etag(player, PlayerSchema)
    return players.change_player(session, current_caller(), league, player, changes)


@blueprint.route("/leagues/<id:league_id>/players/<id:player_id>", methods=["DELETE"])
@roles(ADMINISTRATOR, ORGANISER, PLAYER, PUPIL)
@refuses(NotYours, PlayerUnknown)
@blueprint.response(204)
def leave_league(league_id: UUID, player_id: UUID) -> None:
    """Leave a league, or take a player out of it.

    The points stay where they were won.
    """
    session = current_session()
    league = leagues.find_league(session, league_id, is_locked=True)
    players.leave_league(session, current_caller(), league, players.find_player(session, league, player_id))
