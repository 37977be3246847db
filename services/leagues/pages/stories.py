"""The story of a league: what happened, and what the others say to it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from services.leagues.domain import completions, reactions
from services.leagues.domain.leagues import COMMUNITY, COMPANY, JOINABLE, shown_code
from services.leagues.domain.playing import Place
from services.leagues.pages.here import member_of, witness_of
from services.leagues.schemas import ReactionSchema
from shared.auth import ADMINISTRATOR, ORGANISER, PLAYER, PUPIL, roles
from shared.clock import transaction_time
from shared.errors import NotFound
from shared.forms import Form
from shared.pages import local_path, redirect_to
from shared.pages.listing import leafed
from shared.web import current_caller, current_session

SIZE = 32
ON_SCREEN = 4
"""So many lines of a story are read from the back of a classroom."""

blueprint = Blueprint("story_pages", __name__, url_prefix="/leagues/<id:league_id>")


def told_in(place: Place, most: int | None = None) -> dict[str, Any]:
    """A page of a league's story for its templates: its `deeds`, at `most` so many, and what was `said_to` each."""
    session = current_session()
    page = leafed(session, completions.recent_activity(place.league), size=SIZE)
    told = completions.told_together(page.items)
    deeds = told[:most]
    said = reactions.reactions_to(session, current_caller(), [deed.completion.completion_id for deed in deeds])
    return {"story": page, "deeds": deeds, "said_to": said, "goes_on": page.pages > page.page or len(deeds) < len(told)}


@blueprint.get("/story")
@roles()
def story(league_id: UUID) -> str:
    """What happened in the league, a page at a time: a piece for htmx, a page for others."""
    place = witness_of(league_id)
    return render_template("pages/story.html", place=place, **told_in(place))


@blueprint.get("/screen")
@roles()
def screen(league_id: UUID) -> str:
    """The league for a projector: its planet, the race and the last lines of its story, which renew themselves.

    With its code where those who look at it may join: its leader shows it, and they have accounts, as pupils have not.
    """
    place = member_of(league_id)
    told = told_in(place, ON_SCREEN) if place.is_witness else {"deeds": []}
    have_accounts = current_caller().tenant_kind in (COMMUNITY, COMPANY)
    invites = place.is_leader and have_accounts and place.phase in JOINABLE
    code = shown_code(place.league.code) if invites else ""
    return render_template("pages/screen.html", place=place, now=transaction_time(current_session()), code=code, **told)


@blueprint.post("/completions/<id:completion_id>/reaction")
@roles(ADMINISTRATOR, ORGANISER, PLAYER, PUPIL)
def react(league_id: UUID, completion_id: UUID) -> ResponseReturnValue:
    """One tap says something to what another did, a second one takes it back; for htmx, the row of reactions."""
    session, caller, place = current_session(), current_caller(), witness_of(league_id)
    completion = completions.find_completion(session, caller, completion_id)
    if completion.league_id != league_id:
        raise NotFound
    reactions.toggle_reaction(session, caller, completion, Form(ReactionSchema).data["kind"])
    if "HX-Request" in request.headers:
        told = reactions.reactions_to(session, caller, [completion_id])[completion_id]
        return render_template("pages/reactions.html", place=place, completion=completion, told=told)
    return redirect_to(local_path(request.form.get("back"), f"/leagues/{league_id}/story") + f"#said-{completion_id}")
