"""Recording for a class in one go: a grid to tick, players down, challenges across."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from services.leagues.domain import grid, recording
from services.leagues.domain.players import list_players
from services.leagues.domain.playing import Place, offers
from services.leagues.domain.recording import Act
from services.leagues.page_schemas import GridPageSchema
from services.leagues.pages.here import leader_of
from services.leagues.pages.recording import PLAYING, id_for, told_of
from shared.auth import roles
from shared.database import new_id
from shared.forms import Form
from shared.i18n import current_language, translate
from shared.web import current_caller, current_session

blueprint = Blueprint("grid_pages", __name__, url_prefix="/leagues/<id:league_id>")


@blueprint.route("/record", methods=["GET", "POST"])
@roles(*PLAYING)
def tick(league_id: UUID) -> ResponseReturnValue:
    """The grid of one day (`?day=`) and category (`?category=`); answered cell by cell."""
    place, session, caller = leader_of(league_id, changes=False), current_session(), current_caller()
    day = day_asked(place)
    offered = offers(session, caller, place, current_language(), None)
    people = session.scalars(list_players(place.league)).all()
    form = Form(GridPageSchema, {"completion_id": new_id(), "ticks": []})
    if form.is_sent:
        with form.refusals():
            acts = acts_of(**form.data, day=day)
            outcomes = recording.record_completions(session, caller, league_id, acts)
            told = told_of(outcomes, people, {offer.challenge_id: offer.title for offer in offered})
            return render_template("pages/recorded_for.html", place=place, title=translate("Recorded"), told=told)
    categories = sorted({offer.category for offer in offered if grid.fits_a_tick(offer)})
    category = next((name for name in categories if name == request.args.get("category")), "")
    across = grid.columns(offered, category, day)
    return form.page(
        "pages/grid.html",
        place=place,
        day_asked=day,
        categories=categories,
        category=category,
        across=across,
        people=people,
        used_up=grid.used_up(session, people, across, day),
    )


def day_asked(place: Place) -> date:
    """The day of the address; today, or the edition's last day, where it names none that may be recorded."""
    try:
        day = date.fromisoformat(request.args.get("day", ""))
    except ValueError:
        return place.last_day
    return day if place.calendar.first_day <= day <= place.last_day else place.last_day


def acts_of(completion_id: UUID, ticks: list[tuple[UUID, UUID]], day: date) -> list[Act]:
    """What the ticks (challenge, player) say was done; sent again, they have the same ids."""
    return [
        Act(
            challenge_id=challenge_id,
            player_id=player_id,
            completion_id=id_for(id_for(completion_id, player_id), challenge_id),
            day=day,
        )
        for challenge_id, player_id in dict.fromkeys(ticks)
    ]
