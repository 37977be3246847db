"""The first page of those who are signed in, and a player's day in a league."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from services.leagues.domain import leagues
from services.leagues.domain.editions import GRACE
from services.leagues.domain.listing import beginnings, beginnings_among, cards, is_empty, joinable_editions
from services.leagues.domain.playing import done_on, offers, suggested
from services.leagues.pages.here import member_of
from services.leagues.pages.stories import told_in
from shared.auth import ADMINISTRATOR, OPERATOR, ORGANISER, roles
from shared.clock import transaction_time
from shared.i18n import current_language
from shared.pages import redirect_to
from shared.pages.listing import listed
from shared.web import current_caller, current_session

STORY = 8
GOING_ON = (*leagues.JOINABLE, GRACE)
MANY = 100
"""More leagues than anybody is in."""

blueprint = Blueprint("today_pages", __name__, url_prefix="/leagues")


@blueprint.get("/")
@roles()
def start() -> ResponseReturnValue:
    """My leagues; for those who organise, the leagues of the tenant, and what is left to do before play begins.

    Operators begin with the platform.
    """
    session, caller = current_session(), current_caller()
    if caller.has_role(OPERATOR):
        return redirect_to("/identity/platform")
    challenge_id = request.args.get("challenge", "")
    if len(challenge_id) == 36 and (only := _only_league()):
        return redirect_to(f"/leagues/{only}/record/{challenge_id}")
    organises = caller.has_role(ADMINISTRATOR, ORGANISER) and caller.tenant_kind != "community"
    page = listed(session, leagues.list_leagues(caller, None, is_mine=not organises))
    found = cards(session, caller, page.items)
    if len(found) == 1 and found[0].is_playing and not organises:
        return redirect_to(f"/leagues/{found[0].league.league_id}")
    editions = joinable_editions(session, caller) if organises else []
    return render_template(
        "pages/start.html",
        page=page,
        cards=found,
        organises=organises,
        editions=editions,
        beginnings=beginnings(session) if organises else beginnings_among(found),
        challenge_id=challenge_id if len(challenge_id) == 36 else "",
        may_create=organises or caller.tenant_kind == "community",
    )


@blueprint.get("/challenges")
@roles()
def to_challenges() -> ResponseReturnValue:
    """From the catalogue to the list of the league one plays in, with what one has done; to choose, where there are
    several or none."""
    only = _only_league()
    return redirect_to(f"/leagues/{only}/challenges" if only else "/leagues/")


def _only_league() -> UUID | None:
    """The league the reader plays in now; None where they play in several or in none."""
    session, caller = current_session(), current_caller()
    mine = session.scalars(leagues.list_leagues(caller, None, is_mine=True).limit(MANY)).all()
    played = [card for card in cards(session, caller, mine) if card.is_playing and card.phase in GOING_ON]
    return played[0].league.league_id if len(played) == 1 else None


@blueprint.get("/<id:league_id>")
@roles()
def today(league_id: UUID) -> str:
    """What is left of the edition, my planet and my team's race, what I could do, what I did, what the others did."""
    session, place = current_session(), member_of(league_id)
    offered = offers(session, current_caller(), place, current_language(), place.player)
    done = session.execute(done_on(place.player, place.today)).all() if place.player else []
    return render_template(
        "pages/today.html",
        place=place,
        now=transaction_time(session),
        suggested=suggested(offered, place.player, place.today),
        done=done,
        is_empty=place.is_leader and is_empty(session, place.league),
        **(told_in(place, STORY) if place.is_witness else {}),
    )
