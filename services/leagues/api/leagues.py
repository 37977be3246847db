"""Routes of leagues, their teams and leaders."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import current_app
from flask_smorest.pagination import PaginationParameters

from services.leagues.domain import editions, leagues, players, teams
from services.leagues.errors import (
    CodeUnknown,
    EditionNotOpen,
    EditionOfAnotherAudience,
    LastLeader,
    NotInLeague,
    NotLeader,
    PersonUnknown,
    TeamNameTaken,
    TeamsLocked,
    TooManyTeams,
)
from services.leagues.models import League
from services.leagues.schemas import (
    BalanceSchema,
    JoinPreviewSchema,
    LeaderAppointSchema,
    LeaderSchema,
    LeagueChangeSchema,
    LeagueCreateSchema,
    LeagueQuerySchema,
    LeagueSchema,
    TeamCreateSchema,
    TeamSchema,
)
from shared.api import Blueprint, paged, paged_list
from shared.auth import ADMINISTRATOR, ORGANISER, PLAYER, roles
from shared.clock import transaction_time
from shared.openapi import refuses
from shared.web import current_caller, current_session

blueprint = Blueprint("leagues", __name__, url_prefix="/leagues/api/v1", description="Leagues, teams and leaders")
LEADING = (ADMINISTRATOR, ORGANISER, PLAYER)


@blueprint.route("/leagues")
@roles()
@blueprint.arguments(LeagueQuerySchema, location="query")
@blueprint.response(200, LeagueSchema(many=True))
@blueprint.paginate()
def list_leagues(query: dict[str, Any], pagination_parameters: PaginationParameters) -> Any:
    """List leagues.

    All of your school or company; in the public community, yours and the open ones.
    """
    statement = leagues.list_leagues(current_caller(), query.get("edition_id"), query["is_mine"])
    return [_shown(league) for league in paged(current_session(), statement, pagination_parameters)]


@blueprint.route("/leagues", methods=["POST"])
@roles(*LEADING)
@refuses(EditionOfAnotherAudience, EditionNotOpen)
@blueprint.arguments(LeagueCreateSchema)
@blueprint.response(201, LeagueSchema)
def create_league(facts: dict[str, Any]) -> Any:
    """Create a league.

    You lead it. Teachers and colleagues need the role organiser; in the public community everybody may.
    """
    return _shown(leagues.create_league(current_session(), current_caller(), facts))


@blueprint.route("/leagues/<id:league_id>")
@roles()
@blueprint.etag
@blueprint.response(200, LeagueSchema)
def get_league(league_id: UUID) -> Any:
    """Show a league.

    Its leaders also see the code to join it.
    """
    return _shown(leagues.find_league(current_session(), league_id))


@blueprint.route("/leagues/<id:league_id>", methods=["PATCH"])
@roles(*LEADING)
@refuses(NotLeader)
@blueprint.etag
@blueprint.arguments(LeagueChangeSchema)
@blueprint.response(200, LeagueSchema)
def change_league(changes: dict[str, Any], league_id: UUID) -> Any:
    """Rename a league, open it to everybody, or lock its teams."""
    league = _led(league_id)
    blueprint.check_etag(_shown(league), LeagueSchema)
    return _shown(leagues.change_league(current_session(), league, changes))


@blueprint.route("/leagues/<id:league_id>/code", methods=["POST"])
@roles(*LEADING)
@refuses(NotLeader)
@blueprint.response(200, LeagueSchema)
def renew_code(league_id: UUID) -> Any:
    """Replace the code of a league.

    The old code and its link stop working.
    """
    return _shown(leagues.renew_code(current_session(), _led(league_id)))


@blueprint.route("/join-codes/<code>")
@roles()
@refuses(CodeUnknown)
@blueprint.response(200, JoinPreviewSchema)
def preview_code(code: str) -> Any:
    """Show the league behind a code, before joining it."""
    session = current_session()
    league = leagues.find_league_by_code(session, code)
    return {
        "league_id": league.league_id,
        "name": league.name,
        "edition": leagues.edition_of(session, league).name,
        "phase": _phase(league),
        "teams": _teams(league),
    }


@blueprint.route("/leagues/<id:league_id>/teams")
@roles()
@refuses(NotInLeague)
@blueprint.response(200, TeamSchema(many=True))
@blueprint.paginate()
def list_teams(league_id: UUID, pagination_parameters: PaginationParameters) -> Any:
    """List the teams of a league."""
    league = leagues.find_league(current_session(), league_id)
    leagues.require_member(current_session(), current_caller(), league)
    return paged_list(_teams(league), pagination_parameters)


@blueprint.route("/leagues/<id:league_id>/teams", methods=["POST"])
@roles(*LEADING)
@refuses(NotLeader, TeamNameTaken, TooManyTeams)
@blueprint.arguments(TeamCreateSchema)
@blueprint.response(201, TeamSchema)
def add_team(facts: dict[str, Any], league_id: UUID) -> Any:
    """Add a team to a league."""
    league = _led(league_id)
    team = teams.add_team(current_session(), league, facts["name"])
    return teams.team_with_size(current_session(), league, team)


@blueprint.route("/leagues/<id:league_id>/teams/<id:team_id>")
@roles()
@refuses(NotInLeague)
@blueprint.etag
@blueprint.response(200, TeamSchema)
def get_team(league_id: UUID, team_id: UUID) -> Any:
    """Show a team."""
    session = current_session()
    league = leagues.find_league(session, league_id)
    leagues.require_member(session, current_caller(), league)
    return teams.team_with_size(session, league, teams.find_team(session, league, team_id))


@blueprint.route("/leagues/<id:league_id>/teams/<id:team_id>", methods=["PATCH"])
@roles(*LEADING)
@refuses(NotLeader, TeamNameTaken)
@blueprint.etag
@blueprint.arguments(TeamCreateSchema)
@blueprint.response(200, TeamSchema)
def rename_team(facts: dict[str, Any], league_id: UUID, team_id: UUID) -> Any:
    """Rename a team."""
    session = current_session()
    league = _led(league_id)
    team = teams.find_team(session, league, team_id)
    blueprint.check_etag(teams.team_with_size(session, league, team), TeamSchema)
    return teams.team_with_size(session, league, teams.rename_team(session, league, team, facts["name"]))


@blueprint.route("/leagues/<id:league_id>/teams/balance", methods=["POST"])
@roles(*LEADING)
@refuses(NotLeader, TeamsLocked)
@blueprint.response(200, BalanceSchema)
def balance_teams(league_id: UUID) -> Any:
    """Even out the teams of a league.

    As few players as possible move; points already won stay where they were won.
    """
    league = _led(league_id)
    moved = players.balance_teams(current_session(), league)
    current_session().flush()
    return {"moved": moved, "teams": _teams(league)}


@blueprint.route("/leagues/<id:league_id>/leaders")
@roles()
@refuses(NotInLeague)
@blueprint.response(200, LeaderSchema(many=True))
@blueprint.paginate()
def list_leaders(league_id: UUID, pagination_parameters: PaginationParameters) -> Any:
    """List the leaders of a league."""
    session = current_session()
    league = leagues.find_league(session, league_id)
    leagues.require_member(session, current_caller(), league)
    return paged_list(leagues.leaders_with_names(session, league), pagination_parameters)


@blueprint.route("/leagues/<id:league_id>/leaders", methods=["POST"])
@roles(*LEADING)
@refuses(NotLeader, PersonUnknown)
@blueprint.arguments(LeaderAppointSchema)
@blueprint.response(201, LeaderSchema)
def appoint_leader(facts: dict[str, Any], league_id: UUID) -> Any:
    """Appoint another leader."""
    return leagues.appoint_leader(current_session(), _led(league_id), facts["person_id"])


@blueprint.route("/leagues/<id:league_id>/leaders/<id:person_id>", methods=["DELETE"])
@roles(*LEADING)
@refuses(NotLeader, LastLeader)
@blueprint.response(204)
def dismiss_leader(league_id: UUID, person_id: UUID) -> None:
    """Step down as a leader, or dismiss one.

    The last leader appoints another one first.
    """
    leagues.dismiss_leader(current_session(), _led(league_id), person_id)


def _led(league_id: UUID) -> League:
    """A league the caller leads, locked."""
    league = leagues.find_league(current_session(), league_id, is_locked=True)
    leagues.require_leader(current_session(), current_caller(), league)
    return league


def _phase(league: League) -> str:
    session = current_session()
    edition = leagues.edition_of(session, league)
    calendar = editions.calendar_of(edition, league.zone)
    return editions.phase_of(edition, calendar, transaction_time(session))


def _teams(league: League) -> list[dict[str, Any]]:
    return teams.teams_with_sizes(current_session(), league)


def _shown(league: League) -> dict[str, Any]:
    """A league with its phase and numbers; with its code for those who lead it."""
    session = current_session()
    count = players.count_players(session, league)
    columns = ("league_id", "edition_id", "name", "age_band", "zone", "is_open", "teams_locked_at", "created_at")
    shown = {name: getattr(league, name) for name in columns}
    shown |= {"phase": _phase(league), "players": count}
    shown["is_under_minimum"] = count < leagues.edition_of(session, league).min_players
    if leagues.leads(session, current_caller(), league):
        address = current_app.extensions["mpp"]["settings"].address
        shown |= {"code": league.code, "join_link": f"{address}/leagues/join/{league.code}"}
    return shown
