"""The teams of a league and who plays in them: entering, naming, moving, balancing, leaving."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from services.leagues.domain import completions, leagues, players, teams
from services.leagues.domain.listing import players_with_counts
from services.leagues.domain.playing import Place, may_take_back
from services.leagues.errors import NotYours
from services.leagues.page_schemas import PlayerPageSchema, PlayersPageSchema
from services.leagues.pages.here import leader_of, member_of
from services.leagues.schemas import TeamCreateSchema
from shared.auth import ADMINISTRATOR, ORGANISER, PLAYER, PUPIL, roles
from shared.clock import transaction_time
from shared.errors import NotFound, message
from shared.forms import Form
from shared.pages import redirect_to
from shared.pages.listing import leafed, sliced
from shared.web import current_caller, current_session
from shared.words import sort_key

LEADING = (ADMINISTRATOR, ORGANISER, PLAYER)
SIZE = 30
PEOPLE = 150
"""So many players stand on one page of teams."""
OF_NAME = {"team_name_taken": "name"}
"""Which refusal stands beside which field."""

blueprint = Blueprint("team_pages", __name__, url_prefix="/leagues/<id:league_id>")


@blueprint.route("/teams", methods=["GET", "POST"])
@roles(*LEADING)
def manage(league_id: UUID) -> ResponseReturnValue:
    """Teams and players; the form adds players by pseudonym."""
    session, place = current_session(), leader_of(league_id)
    form, team_form = Form(PlayersPageSchema), Form(TeamCreateSchema)
    if form.is_sent:
        with form.refusals():
            typed, back = form.data, f"/leagues/{league_id}/teams"
            names, double = players.without_doubles(session, place.league, typed["names"])
            added = players.add_players(session, place.league, names, typed["team_id"])
            if double:
                told = message("Added: {count}. Left out, because the name is there already: {names}")
                return redirect_to(back, told, count=len(added), names=", ".join(double))
            if len(added) == 1:
                return redirect_to(back, "{name} is in.", name=added[0].display_name)
            return redirect_to(back, "{count} players are in.", count=len(added))
    return form.page("pages/teams.html", team_form=team_form, **_teams_of(place))


def _teams_of(place: Place) -> dict[str, object]:
    """`waits`: only those who have not begun are asked for. `page`: who stands here, team by team."""
    session = current_session()
    found = teams.teams_with_sizes(session, place.league)
    order = {team["team_id"]: position for position, team in enumerate(found)}
    people = sorted(
        session.execute(players_with_counts(place.league)),
        key=lambda row: (order.get(row[0].team_id, 0), sort_key(row[0].display_name)),
    )
    waits = request.args.get("who") == "waiting"
    page = sliced([row for row in people if not waits or not row[1]], size=PEOPLE)
    return {
        "place": place,
        "waits": waits,
        "waiting": sum(count == 0 for _player, count in people),
        "is_locked": teams.are_locked(session, place.league),
        "teams": found,
        "people": people,
        "page": page,
        "here": {row[0].team_id for row in page.items},
        "missing": place.edition.min_players - len(people),
    }


@blueprint.post("/teams/add")
@roles(*LEADING)
def add_team(league_id: UUID) -> ResponseReturnValue:
    """One more team."""
    place = leader_of(league_id)
    form, team_form = Form(PlayersPageSchema), Form(TeamCreateSchema)
    with team_form.refusals(OF_NAME):
        teams.add_team(current_session(), place.league, team_form.data["name"])
        return redirect_to(f"/leagues/{league_id}/teams", "The team is there.")
    form.status = team_form.status
    return form.page("pages/teams.html", team_form=team_form, **_teams_of(place))


@blueprint.post("/teams/<any(balance, lock, unlock):action>")
@roles(*LEADING)
def act_on_teams(league_id: UUID, action: str) -> ResponseReturnValue:
    """Balances, locks or unlocks the teams."""
    session, place = current_session(), leader_of(league_id)
    back = f"/leagues/{league_id}/teams"
    if action != "balance":
        at = transaction_time(session) if action == "lock" else None
        leagues.change_league(session, place.league, {"teams_locked_at": at})
        return redirect_to(back, "The teams are locked." if at else "The teams are unlocked.")
    moved = players.balance_teams(session, place.league)
    if not moved:
        return redirect_to(back, "The teams were balanced already.")
    if moved == 1:
        return redirect_to(back, "One player changed team.")
    return redirect_to(back, "{count} players changed team.", count=moved)


@blueprint.route("/teams/<id:team_id>", methods=["GET", "POST"])
@roles(*LEADING)
def team(league_id: UUID, team_id: UUID) -> ResponseReturnValue:
    """Another name for a team."""
    session, place = current_session(), leader_of(league_id)
    found = teams.find_team(session, place.league, team_id)
    form = Form(TeamCreateSchema, {"name": found.name})
    if form.is_sent:
        with form.refusals(OF_NAME):
            teams.rename_team(session, place.league, found, form.data["name"])
            return redirect_to(f"/leagues/{league_id}/teams", "Saved.")
    return form.page("pages/team.html", place=place, team=found)


@blueprint.route("/players/<id:player_id>", methods=["GET", "POST"])
@roles(ADMINISTRATOR, ORGANISER, PLAYER, PUPIL)
def player(league_id: UUID, player_id: UUID) -> ResponseReturnValue:
    """One player, for themselves and for leaders: their name, their team, what they did."""
    session, caller = current_session(), current_caller()
    place = member_of(league_id, changes=True)
    found = players.find_player(session, place.league, player_id)
    is_me = found.person_id == caller.person_id
    if not (place.is_leader or is_me):
        raise NotYours
    form = Form(PlayerPageSchema, {"display_name": found.display_name, "team_id": found.team_id})
    if form.is_sent:
        with form.refusals():
            players.change_player(session, caller, place.league, found, form.data)
            return redirect_to(f"/leagues/{league_id}{'' if is_me else '/teams'}", "Saved.")
    did = completions.of_player(completions.recent_activity(place.league), found)
    story = leafed(session, did, size=SIZE) if place.is_witness else None
    return form.page(
        "pages/player.html",
        place=place,
        player=found,
        is_me=is_me,
        teams=teams.teams_with_sizes(session, place.league),
        is_locked=teams.are_locked(session, place.league),
        story=story,
        may_undo={row[0].completion_id for row in (story.items if story else ()) if may_take_back(place, row[0])},
    )


@blueprint.post("/players/<id:player_id>/remove")
@roles(*LEADING)
def remove(league_id: UUID, player_id: UUID) -> ResponseReturnValue:
    """Takes a player out of the league."""
    session, place = current_session(), leader_of(league_id)
    found = players.find_player(session, place.league, player_id)
    players.leave_league(session, current_caller(), place.league, found)
    return redirect_to(f"/leagues/{league_id}/teams", "{name} has left; the points stay.", name=found.display_name)


@blueprint.route("/leave", methods=["GET", "POST"])
@roles()
def leave(league_id: UUID) -> ResponseReturnValue:
    """A player leaves; the points stay with the team."""
    place = member_of(league_id, changes=True)
    if place.player is None:
        raise NotFound
    if request.method == "POST":
        players.leave_league(current_session(), current_caller(), place.league, place.player)
        return redirect_to("/leagues/", "You have left {league}.", league=place.league.name)
    return render_template("pages/leave.html", place=place)
