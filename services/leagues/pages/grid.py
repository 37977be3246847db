"""Recording for a class in one go: a grid to tick, players down, challenges across."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from services.leagues.domain import grid, recording, teams
from services.leagues.domain.players import players_by_name
from services.leagues.domain.playing import offers
from services.leagues.page_schemas import GridPageSchema
from services.leagues.pages.here import day_asked, leader_of
from services.leagues.pages.recording import PLAYING, answer_of
from shared.auth import roles
from shared.database import new_id
from shared.forms import Form
from shared.i18n import current_language
from shared.pages.listing import sliced
from shared.web import current_caller, current_session

ROWS = 60
"""So many stand in one grid: a class does, a company's league of a thousand is leafed through."""

blueprint = Blueprint("grid_pages", __name__, url_prefix="/leagues/<id:league_id>")


@blueprint.route("/record", methods=["GET", "POST"])
@roles(*PLAYING)
def tick(league_id: UUID) -> ResponseReturnValue:
    """The grid of one day and one sheet of challenges, `?page=` by page; answered cell by cell.

    What was done already is shown to those alone who may see who did what.
    Whoever turns to another sheet, page or day sends the form with `show`: nothing is recorded, and every tick is kept.
    """
    place, session, caller = leader_of(league_id, changes=False), current_session(), current_caller()
    offered = offers(session, caller, place, current_language(), None)
    players = {player.player_id: player.display_name for player in players_by_name(session, place.league)}
    of_teams = {team["team_id"]: team["name"] for team in teams.teams_with_sizes(session, place.league)}
    form = Form(GridPageSchema, {"completion_id": new_id(), "ticks": []})
    if form.is_sent and "show" not in request.form:
        with form.refusals():
            typed = form.data
            acts = grid.acts_of(typed["ticks"], offered, typed["day"], typed["completion_id"])
            outcomes = recording.record_completions(session, caller, league_id, acts)
            titles = {offer.challenge_id: offer.title for offer in offered}
            return answer_of(place, typed["completion_id"], outcomes, players | of_teams, titles)
    asked = request.form if form.is_sent else request.args
    day = day_asked(place, asked)
    sheets = grid.sheets(offered)
    sheet = next((name for name in sheets if name == asked.get("show", asked.get("sheet"))), "")
    across = grid.columns(offered, sheet, day)
    everybody = of_teams if sheet == grid.TEAM else players
    page = sliced(list(everybody), size=ROWS)
    down = {subject: everybody[subject] for subject in page.items}
    shown = {f"{offer.challenge_id}:{subject}" for offer in across for subject in down}
    return form.page(
        "pages/grid.html",
        place=place,
        day_asked=day,
        sheets=sheets,
        sheet=sheet,
        across=across,
        page=page,
        down=down,
        done=grid.times_done(session, list(down), across, day) if place.is_witness else {},
        ticked_elsewhere=[tick for tick in form.values["ticks"] if tick and ":".join(tick.split(":")[:2]) not in shown],
    )
