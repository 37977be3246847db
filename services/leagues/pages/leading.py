"""Leading a league: open it, invite, teams and players, settings, leaders."""

from __future__ import annotations

from uuid import UUID

import segno
from flask import Blueprint, current_app, render_template, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from services.leagues.domain import leagues, players, teams
from services.leagues.domain.leagues import shown_code
from services.leagues.domain.listing import joinable_editions, players_with_counts
from services.leagues.domain.playing import Place
from services.leagues.page_schemas import LeaguePageSchema, PlayersPageSchema, SettingsPageSchema
from services.leagues.pages.here import leader_of, member_of
from services.leagues.schemas import AGE_BANDS, TeamCreateSchema
from shared.api import id_of
from shared.auth import ADMINISTRATOR, ORGANISER, PLAYER, roles
from shared.clock import transaction_time
from shared.errors import NotFound
from shared.forms import Form
from shared.i18n import translate
from shared.pages import redirect_to
from shared.web import current_caller, current_session
from shared.words import sort_key

LEADING = (ADMINISTRATOR, ORGANISER, PLAYER)

blueprint = Blueprint("leading_pages", __name__, url_prefix="/leagues")


@blueprint.route("/new", methods=["GET", "POST"])
@roles(*LEADING)
def create() -> ResponseReturnValue:
    """A new league, in one page."""
    session, caller = current_session(), current_caller()
    editions = joinable_editions(session, caller)
    begins_with = {"edition_id": request.args.get("edition", ""), "teams": "Les Abeilles\nLes Colibris"}
    form = Form(LeaguePageSchema, begins_with)
    if form.is_sent:
        with form.refusals():
            league = leagues.create_league(session, caller, form.data)
            return redirect_to(f"/leagues/{league.league_id}/invite", "Your league is open. Now invite its players.")
    choices = [(edition.edition_id, edition.name) for edition in editions]
    return form.page("pages/create.html", editions=editions, edition_choices=choices, band_choices=_bands())


def _bands() -> list[tuple[str, str]]:
    return [("", translate("All ages")), *((band, translate("{band} years", band=band)) for band in AGE_BANDS)]


@blueprint.get("/<id:league_id>/invite")
@roles(*LEADING)
def invite(league_id: UUID) -> str:
    """The code, the link and the QR code with which players join."""
    return render_template("pages/invite.html", **_invitation(leader_of(league_id)))


@blueprint.get("/<id:league_id>/poster")
@roles(*LEADING)
def poster(league_id: UUID) -> str:
    """A sheet to print and hang up."""
    return render_template("pages/poster.html", **_invitation(leader_of(league_id)))


@blueprint.post("/<id:league_id>/code")
@roles(*LEADING)
def renew_code(league_id: UUID) -> ResponseReturnValue:
    """Another code: the old one, and what was printed with it, opens nothing any more."""
    leagues.renew_code(current_session(), leader_of(league_id).league)
    return redirect_to(f"/leagues/{league_id}/invite", "The league has a new code.")


def _invitation(place: Place) -> dict[str, object]:
    link = f"{current_app.extensions['mpp']['settings'].address}/leagues/join/{place.league.code}"
    drawn = segno.make(link, error="m").svg_inline(svgclass="qr", omitsize=True, border=2)
    return {"place": place, "code": shown_code(place.league.code), "link": link, "qr": Markup(drawn)}


@blueprint.route("/<id:league_id>/teams", methods=["GET", "POST"])
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
                told = "{count} players are in. Left out, because the name is there already: {names}"
                return redirect_to(back, told, count=len(added), names=", ".join(double))
            if len(added) == 1:
                return redirect_to(back, "{name} is in.", name=added[0].display_name)
            return redirect_to(back, "{count} players are in.", count=len(added))
    return form.page("pages/teams.html", team_form=team_form, **_teams_of(place))


def _teams_of(place: Place) -> dict[str, object]:
    """`waits`: only those who have not begun are asked for."""
    session = current_session()
    people = sorted(session.execute(players_with_counts(place.league)), key=lambda row: sort_key(row[0].display_name))
    return {
        "place": place,
        "waits": request.args.get("who") == "waiting",
        "waiting": sum(count == 0 for _player, count in people),
        "now": transaction_time(session),
        "teams": teams.teams_with_sizes(session, place.league),
        "people": people,
    }


@blueprint.post("/<id:league_id>/teams/add")
@roles(*LEADING)
def add_team(league_id: UUID) -> ResponseReturnValue:
    """One more team."""
    place = leader_of(league_id)
    form, team_form = Form(PlayersPageSchema), Form(TeamCreateSchema)
    with team_form.refusals():
        teams.add_team(current_session(), place.league, team_form.data["name"])
        return redirect_to(f"/leagues/{league_id}/teams", "The team is there.")
    form.status = team_form.status
    return form.page("pages/teams.html", team_form=team_form, **_teams_of(place))


@blueprint.post("/<id:league_id>/teams/<action>")
@roles(*LEADING)
def act_on_teams(league_id: UUID, action: str) -> ResponseReturnValue:
    """Balances, locks or unlocks the teams."""
    session, place = current_session(), leader_of(league_id)
    back = f"/leagues/{league_id}/teams"
    if action == "balance":
        moved = players.balance_teams(session, place.league)
        if not moved:
            return redirect_to(back, "The teams were balanced already.")
        if moved == 1:
            return redirect_to(back, "One player changed team.")
        return redirect_to(back, "{count} players changed team.", count=moved)
    if action in ("lock", "unlock"):
        at = transaction_time(session) if action == "lock" else None
        leagues.change_league(session, place.league, {"teams_locked_at": at})
        return redirect_to(back, "The teams are locked." if at else "The teams are unlocked.")
    raise NotFound


@blueprint.post("/<id:league_id>/players/<id:player_id>/<action>")
@roles(*LEADING)
def act_on_player(league_id: UUID, player_id: UUID, action: str) -> ResponseReturnValue:
    """Moves a player to another team, or takes them out of the league."""
    session, place = current_session(), leader_of(league_id)
    player = players.find_player(session, place.league, player_id)
    back = f"/leagues/{league_id}/teams"
    if action == "move":
        team = teams.find_team(session, place.league, id_of(request.form.get("team_id", "")))
        players.move_player(session, place.league, player, team.team_id)
        return redirect_to(back, "{name} has another team.", name=player.display_name)
    if action == "remove":
        players.leave_league(session, current_caller(), place.league, player)
        return redirect_to(back, "{name} has left; the points stay.", name=player.display_name)
    raise NotFound


@blueprint.route("/<id:league_id>/settings", methods=["GET", "POST"])
@roles(*LEADING)
def settings(league_id: UUID) -> ResponseReturnValue:
    """The league's name, age band and openness, and who leads it."""
    session, place = current_session(), leader_of(league_id)
    league = place.league
    form = Form(SettingsPageSchema, {name: getattr(league, name) for name in ("name", "age_band", "is_open")})
    if form.is_sent:
        with form.refusals():
            leagues.change_league(session, league, form.data)
            return redirect_to(f"/leagues/{league_id}/settings", "Saved.")
    leaders = leagues.leaders_with_names(session, league)
    return form.page(
        "pages/settings.html",
        place=place,
        band_choices=_bands(),
        leaders=leaders,
        candidates=leagues.possible_leaders(session, league),
    )


@blueprint.post("/<id:league_id>/leaders")
@roles(*LEADING)
def appoint(league_id: UUID) -> ResponseReturnValue:
    """Makes somebody a leader, beside the others."""
    place = leader_of(league_id)
    leagues.appoint_leader(current_session(), place.league, id_of(request.form.get("person_id", "")))
    return redirect_to(f"/leagues/{league_id}/settings", "The league has one more leader.")


@blueprint.post("/<id:league_id>/leaders/<id:person_id>/dismiss")
@roles(*LEADING)
def dismiss(league_id: UUID, person_id: UUID) -> ResponseReturnValue:
    """Ends somebody's leading; a league keeps one leader at least."""
    place = leader_of(league_id)
    leagues.dismiss_leader(current_session(), place.league, person_id)
    is_me = person_id == current_caller().person_id
    if is_me:
        return redirect_to("/leagues/", "You no longer lead {league}.", league=place.league.name)
    return redirect_to(f"/leagues/{league_id}/settings", "The leader has stepped down.")


@blueprint.route("/<id:league_id>/leave", methods=["GET", "POST"])
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
