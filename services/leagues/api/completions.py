"""Routes of completions and of a league's recent activity."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask_smorest.pagination import PaginationParameters

from services.leagues.domain import completions, leagues, reactions, recording
from services.leagues.domain.reactions import Reactions
from services.leagues.domain.recording import Act, Outcome
from services.leagues.errors import (
    AnotherCompletion,
    CapReached,
    ChallengeOfAnotherAudience,
    ChallengeUnknown,
    DayInFuture,
    DayOutsideEdition,
    EditionNotOpen,
    NotInLeague,
    NotYours,
    OwnCompletion,
    ParticipationOnly,
    PlayerUnknown,
    TeamUnknown,
    TierUnknown,
)
from services.leagues.schemas import (
    ActivitySchema,
    CompletionPutSchema,
    CompletionQuerySchema,
    CompletionSchema,
    CompletionsRecordSchema,
    OutcomeSchema,
    ReactionSchema,
)
from shared.api import Blueprint, paged
from shared.auth import ADMINISTRATOR, ORGANISER, PLAYER, PUPIL, roles
from shared.i18n import current_language
from shared.openapi import refuses
from shared.problems import problem_title
from shared.web import current_caller, current_session

blueprint = Blueprint("completions", __name__, url_prefix="/leagues/api/v1", description="Acts that count")
PLAYING = (ADMINISTRATOR, ORGANISER, PLAYER, PUPIL)
WHY_NOT = (
    EditionNotOpen,
    ChallengeUnknown,
    ChallengeOfAnotherAudience,
    TierUnknown,
    DayInFuture,
    DayOutsideEdition,
    CapReached,
    PlayerUnknown,
    TeamUnknown,
    NotYours,
    AnotherCompletion,
)


@blueprint.route("/completions/<id:completion_id>", methods=["PUT"])
@roles(*PLAYING)
@refuses(*WHY_NOT)
@blueprint.arguments(CompletionPutSchema)
@blueprint.response(201, CompletionSchema)
@blueprint.alt_response(200, schema=CompletionSchema, description="Recorded before: the same completion.")
def record_completion(facts: dict[str, Any], completion_id: UUID) -> Any:
    """Record a completion.

    Make its id yourself (a UUIDv7): sending the same again is harmless and answers the same. Points and impact are
    copied from the challenge now and never change afterwards.
    """
    league_id = facts.pop("league_id")
    act = Act(completion_id=completion_id, **facts)
    outcome = recording.record_completion(current_session(), current_caller(), league_id, act)
    return outcome.completion, 201 if outcome.is_new else 200


@blueprint.route("/leagues/<id:league_id>/completions", methods=["POST"])
@roles(*PLAYING)
@blueprint.arguments(CompletionsRecordSchema)
@blueprint.response(200, OutcomeSchema(many=True))
def record_completions(facts: dict[str, Any], league_id: UUID) -> Any:
    """Record completions for several players.

    One request, one answer per act, in the order given: what can count is recorded, the rest says why not.
    """
    acts = [Act(**act) for act in facts["completions"]]
    outcomes = recording.record_completions(current_session(), current_caller(), league_id, acts)
    return [_shown(outcome) for outcome in outcomes]


@blueprint.route("/completions")
@roles()
@refuses(NotInLeague, ParticipationOnly)
@blueprint.arguments(CompletionQuerySchema, location="query")
@blueprint.response(200, CompletionSchema(many=True))
@blueprint.paginate()
def list_completions(query: dict[str, Any], pagination_parameters: PaginationParameters) -> Any:
    """List completions, newest first.

    Your own in every league; with `league_id`, those of that league, for its members.
    """
    session = current_session()
    if "league_id" in query:
        league = leagues.find_league(session, query["league_id"])
        leagues.require_witness(session, current_caller(), league)
    statement = completions.list_completions(current_caller(), **query)
    return paged(session, statement, pagination_parameters)


@blueprint.route("/completions/<id:completion_id>")
@roles()
@refuses(NotInLeague, ParticipationOnly)
@blueprint.etag
@blueprint.response(200, CompletionSchema)
def get_completion(completion_id: UUID) -> Any:
    """Show a completion."""
    return completions.find_completion(current_session(), current_caller(), completion_id)


@blueprint.route("/completions/<id:completion_id>", methods=["DELETE"])
@roles(*PLAYING)
@refuses(NotYours, EditionNotOpen, NotInLeague, ParticipationOnly)
@blueprint.response(204)
def withdraw_completion(completion_id: UUID) -> None:
    """Withdraw a completion.

    Its points go with it, and it may be done again. Withdrawing twice is harmless.
    """
    session = current_session()
    completion = completions.find_completion(session, current_caller(), completion_id, is_locked=True)
    completions.withdraw_completion(session, current_caller(), completion)


@blueprint.route("/completions/<id:completion_id>/reaction", methods=["PUT"])
@roles(*PLAYING)
@refuses(NotInLeague, ParticipationOnly, OwnCompletion)
@blueprint.arguments(ReactionSchema)
@blueprint.response(204)
def react(facts: dict[str, Any], completion_id: UUID) -> None:
    """React to what somebody of your league did.

    One reaction each: another one replaces it.
    """
    session, caller = current_session(), current_caller()
    reactions.react(session, caller, completions.find_completion(session, caller, completion_id), facts["kind"])


@blueprint.route("/completions/<id:completion_id>/reaction", methods=["DELETE"])
@roles(*PLAYING)
@refuses(NotInLeague, ParticipationOnly)
@blueprint.response(204)
def take_reaction_back(completion_id: UUID) -> None:
    """Take your reaction back. Twice is harmless."""
    session, caller = current_session(), current_caller()
    reactions.take_reaction_back(session, caller, completions.find_completion(session, caller, completion_id))


@blueprint.route("/leagues/<id:league_id>/activity")
@roles()
@refuses(NotInLeague, ParticipationOnly)
@blueprint.response(200, ActivitySchema(many=True))
@blueprint.paginate()
def recent_activity(league_id: UUID, pagination_parameters: PaginationParameters) -> Any:
    """Show what happened lately in a league."""
    session = current_session()
    league = leagues.find_league(session, league_id)
    leagues.require_witness(session, current_caller(), league)
    rows = paged(session, completions.recent_activity(league), pagination_parameters, is_rows=True)
    said = reactions.reactions_to(session, current_caller(), [row[0].completion_id for row in rows])
    return [_line(said[row[0].completion_id], *row) for row in rows]


def _line(
    said: Reactions, completion: Any, player: str | None, team: str, titles: dict[str, str] | None
) -> dict[str, Any]:
    return {
        "completion_id": completion.completion_id,
        "at": completion.recorded_at,
        "player": player,
        "team": team,
        "challenge_id": completion.challenge_id,
        "challenge": (titles or {}).get(current_language(), ""),
        "points": completion.points,
        "reactions": said.counts,
        "my_reaction": said.mine,
    }


def _shown(outcome: Outcome) -> dict[str, Any]:
    refusal = outcome.refusal
    return {
        "completion_id": outcome.act.completion_id,
        "status": "refused" if refusal else "recorded" if outcome.is_new else "unchanged",
        "code": refusal.code if refusal else None,
        "title": problem_title(refusal) if refusal else None,
        "completion": outcome.completion,
    }
