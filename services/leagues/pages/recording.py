"""Recording by page: the list, one challenge, the joyful confirmation, taking it back, history."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from services.leagues.domain import choosing, completions, recording
from services.leagues.domain.completions import impact_of
from services.leagues.domain.grid import id_for, of_form, used_up
from services.leagues.domain.players import players_by_name
from services.leagues.domain.playing import Offer, Place, may_take_back, offer_of, offers, points_today, title_of
from services.leagues.domain.recording import INDIVIDUAL, Act, Outcome
from services.leagues.models import Completion
from services.leagues.page_schemas import RecordManyPageSchema, RecordPageSchema
from services.leagues.pages.here import day_asked, leader_of, member_of, witness_of
from shared.auth import ADMINISTRATOR, ORGANISER, PLAYER, PUPIL, roles
from shared.database import new_id
from shared.forms import Form
from shared.i18n import current_language
from shared.pages import local_path, redirect_to
from shared.pages.frame import points
from shared.pages.listing import leafed
from shared.problems import problem_title
from shared.web import current_caller, current_session
from shared.words import sort_key

SIZE = 30
A_LOOK = 3
"""How many challenges of each category the whole list shows before one asks for all of them: more than a hundred
cards are eighteen screens of a phone."""

PLAYING = (ADMINISTRATOR, ORGANISER, PLAYER, PUPIL)

blueprint = Blueprint("recording_pages", __name__, url_prefix="/leagues/<id:league_id>")


@blueprint.get("/challenges")
@roles()
def choose(league_id: UUID) -> str:
    """Every challenge that counts in the league, found by words, by category, and by what it is."""
    place, session = member_of(league_id), current_session()
    words, category = request.args.get("q", "").strip()[:80], request.args.get("category", "")
    kind = next((name for name in choosing.KINDS if name == request.args.get("kind")), "")
    offered = offers(session, current_caller(), place, current_language(), place.player)
    found = choosing.matching(session, offered, words, current_language())
    shown = choosing.narrowed(session, place, found, category=category, kind=kind)
    most = None if words else A_LOOK
    has_headings = not category and kind in ("", choosing.NEW)
    return render_template(
        "pages/choose.html",
        place=place,
        sections=choosing.sections(shown, most) if has_headings else [choosing.Section("", shown, len(shown))],
        count=len(shown),
        words=words,
        category=category,
        kind=kind,
        categories=sorted({offer.category for offer in offered}),
    )


@blueprint.route("/record/<id:challenge_id>", methods=["GET", "POST"])
@roles(*PLAYING)
def record(league_id: UUID, challenge_id: UUID) -> ResponseReturnValue:
    """One challenge: what it is worth, how often it counts, and the button."""
    place = member_of(league_id)
    offer = offer_of(current_session(), current_caller(), place, current_language(), challenge_id)
    if place.is_leader and place.player is None:
        return redirect_to(f"/leagues/{league_id}/record-for/{challenge_id}")
    form = Form(RecordPageSchema, _blank(place, offer))
    if form.is_sent:
        with form.refusals():
            act = Act(challenge_id=challenge_id, **form.data)
            outcome = recording.record_completion(current_session(), current_caller(), league_id, act)
            assert outcome.completion is not None
            return redirect_to(f"/leagues/{league_id}/done/{outcome.completion.completion_id}")
    return form.page("pages/record.html", place=place, offer=offer, tiers=_tiers(offer))


@blueprint.route("/record-for/<id:challenge_id>", methods=["GET", "POST"])
@roles(*PLAYING)
def record_for(league_id: UUID, challenge_id: UUID) -> ResponseReturnValue:
    """A leader ticks who has done it: one, several, the whole class; answered player by player.

    Whoever has done it as often as it counts has no box, where the leader may see who did what. As in the grid, `show`
    turns to another day, and records nothing.
    """
    place = leader_of(league_id, changes=False)
    session = current_session()
    offer = offer_of(session, current_caller(), place, current_language(), challenge_id)
    is_individual = offer.kind == INDIVIDUAL
    players = players_by_name(session, place.league)
    names = {player.player_id: player.display_name for player in players}
    day = day_asked(place, request.form or request.args)
    form = Form(RecordManyPageSchema, {**_blank(place, offer), "player_ids": [], "day": day.isoformat()})
    if form.is_sent and "show" not in request.form:
        with form.refusals():
            typed = form.data
            first, player_ids = typed.pop("completion_id"), typed.pop("player_ids")
            acts = [
                Act(challenge_id=challenge_id, completion_id=id_for(first, player_id), player_id=player_id, **typed)
                for player_id in player_ids
            ]
            outcomes = recording.record_completions(session, current_caller(), league_id, acts)
            return answer_of(place, first, outcomes, names, {challenge_id: offer.title})
    subjects = {player.player_id: player.player_id if is_individual else player.team_id for player in players}
    seen = list(set(subjects.values())) if place.is_witness else []
    over = {subject for subject, _challenge in used_up(session, seen, [offer], day)}
    return form.page(
        "pages/record_for.html",
        place=place,
        offer=offer,
        day_asked=day,
        people=[(player_id, name) for player_id, name in names.items() if subjects[player_id] not in over],
        over=[name for player_id, name in names.items() if subjects[player_id] in over],
        is_individual=is_individual,
        tiers=_tiers(offer),
    )


def answer_of(
    place: Place, form_id: UUID, outcomes: Sequence[Outcome], names: Mapping[UUID, str], titles: Mapping[UUID, str]
) -> ResponseReturnValue:
    """What is said of the acts of one form: on a page of its own, or here with the refused ones and why."""
    refused = [
        (
            names.get(subject_of(outcome.act), ""),
            titles.get(outcome.act.challenge_id, ""),
            problem_title(outcome.refusal),
        )
        for outcome in outcomes
        if outcome.refusal
    ]
    if not refused:
        return redirect_to(f"/leagues/{place.league.league_id}/recorded/{form_id}")
    return render_template("pages/recorded.html", place=place, refused=refused, **_recorded_with(place, form_id))


def subject_of(act: Act) -> UUID:
    """Who did it: a player or a team."""
    return act.player_id or act.team_id or act.completion_id


@blueprint.get("/recorded/<id:form_id>")
@roles(*PLAYING)
def recorded(league_id: UUID, form_id: UUID) -> str:
    """What was recorded for others with one form, and the way to take it back."""
    place = leader_of(league_id)
    return render_template("pages/recorded.html", place=place, refused=[], **_recorded_with(place, form_id))


def _recorded_with(place: Place, form_id: UUID) -> dict[str, object]:
    session = current_session()
    rows = session.execute(of_form(completions.recent_activity(place.league), current_caller(), form_id)).all()
    by_challenge: dict[UUID, list[Any]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: sort_key(row[1] or row[2])):
        by_challenge[row[0].challenge_id].append(row)
    language = current_language()
    return {
        "form_id": form_id,
        "rows": rows,
        "may_undo": {row[0].completion_id for row in rows if may_take_back(place, row[0])},
        "by_challenge": [((same[0][3] or {}).get(language, ""), same) for same in by_challenge.values()],
        "impact": impact_of([row[0] for row in rows]),
    }


@blueprint.post("/recorded/<id:form_id>/withdraw")
@roles(*PLAYING)
def withdraw_all(league_id: UUID, form_id: UUID) -> ResponseReturnValue:
    """Takes back all that was recorded with one form."""
    session, caller, place = current_session(), current_caller(), leader_of(league_id)
    mine = of_form(completions.recent_activity(place.league), caller, form_id)
    rows = session.execute(mine.with_for_update(of=Completion)).all()  # nobody takes one back twice
    for row in rows:
        completions.withdraw_completion(session, caller, row[0])
    back = f"/leagues/{league_id}/record"
    if len(rows) == 1:
        return redirect_to(back, "One completion is taken back. It does not count.")
    return redirect_to(back, "{count} completions are taken back. They do not count.", count=len(rows))


def _tiers(offer: Offer) -> list[tuple[str, str]]:
    labels = offer.labels
    return [
        (tier, f"{labels[tier]} · {points(value)}" if tier in labels else points(value))
        for tier, value in offer.tiers.items()
    ]


def _blank(place: Place, offer: Offer) -> dict[str, object]:
    return {"completion_id": new_id(), "day": place.last_day.isoformat(), "tier": ""}


@blueprint.get("/done/<id:completion_id>")
@roles()
def done(league_id: UUID, completion_id: UUID) -> str:
    """What it brought: points, measured impact and a planet that grows, with the way to take it back."""
    place = member_of(league_id)
    completion = completions.find_completion(current_session(), current_caller(), completion_id)
    only = completion.challenge_id
    offered = offers(current_session(), current_caller(), place, current_language(), place.player, only=only)
    offer = offered[0] if offered else None
    return render_template(
        "pages/done.html",
        place=place,
        completion=completion,
        offer=offer,
        may_undo=may_take_back(place, completion),
        today=points_today(current_session(), place, completion),
    )


@blueprint.post("/completions/<id:completion_id>/withdraw")
@roles(*PLAYING)
def withdraw(league_id: UUID, completion_id: UUID) -> ResponseReturnValue:
    """Takes a completion back, and its points with it."""
    session = current_session()
    completion = completions.find_completion(session, current_caller(), completion_id, is_locked=True)
    completions.withdraw_completion(session, current_caller(), completion)
    back = local_path(request.form.get("back"), f"/leagues/{league_id}")
    title = title_of(session, completion.challenge_id, current_language())
    return redirect_to(back, "Taken back: “{challenge}” does not count.", challenge=title)


@blueprint.get("/history")
@roles()
def history(league_id: UUID) -> str:
    """What I did in the league; for leaders, what everybody did."""
    place = witness_of(league_id)
    wants_all = place.is_leader and (place.player is None or request.args.get("who") == "all")
    statement = completions.recent_activity(place.league)
    if not wants_all and place.player is not None:
        statement = completions.of_player(statement, place.player)
    page = leafed(current_session(), statement, size=SIZE)
    may_undo = {row[0].completion_id for row in page.items if may_take_back(place, row[0])}
    return render_template("pages/history.html", place=place, story=page, wants_all=wants_all, may_undo=may_undo)
