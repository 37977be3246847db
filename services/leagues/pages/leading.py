"""Leading a league: open it, invite, settings, leaders."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, current_app, render_template, request
from flask.typing import ResponseReturnValue

from services.leagues.domain import leagues
from services.leagues.domain.leagues import shown_code
from services.leagues.domain.listing import joinable_editions
from services.leagues.domain.playing import Place
from services.leagues.page_schemas import LeaguePageSchema, SettingsPageSchema
from services.leagues.pages.here import leader_of
from services.leagues.schemas import AGE_BANDS
from shared.api import id_of
from shared.auth import ADMINISTRATOR, ORGANISER, PLAYER, roles
from shared.forms import Form
from shared.i18n import translate
from shared.pages import redirect_to
from shared.pages.qr import qr_code
from shared.web import current_caller, current_session

LEADING = (ADMINISTRATOR, ORGANISER, PLAYER)

blueprint = Blueprint("leading_pages", __name__, url_prefix="/leagues")


@blueprint.route("/new", methods=["GET", "POST"])
@roles(*LEADING)
def create() -> ResponseReturnValue:
    """A new league, in one page."""
    session, caller = current_session(), current_caller()
    editions = joinable_editions(session, caller)
    two = "\n".join((translate("The Bees"), translate("The Hummingbirds")))
    begins_with = {"edition_id": request.args.get("edition", ""), "teams": two}
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
    return {"place": place, "code": shown_code(place.league.code), "link": link, "qr": qr_code(link)}


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
