"""JSON routes of the catalogue: all of them public."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask_smorest.pagination import PaginationParameters

from services.challenges.domain import challenges
from services.challenges.errors import NothingToSearch, UnknownCategory
from services.challenges.schemas import (
    CategorySchema,
    ChallengeDetailSchema,
    ChallengeFilterSchema,
    ChallengeSchema,
    LanguageSchema,
)
from shared.api import Blueprint, paged
from shared.auth import public
from shared.i18n import current_language
from shared.openapi import refuses
from shared.web import current_session

blueprint = Blueprint("challenges", __name__, url_prefix="/challenges/api/v1", description="The catalogue.")


@blueprint.route("/categories")
@public
@blueprint.arguments(LanguageSchema, location="query")
@blueprint.response(200, CategorySchema(many=True))
@blueprint.paginate()
def list_categories(query: dict[str, Any], pagination_parameters: PaginationParameters) -> Any:
    """List the categories."""
    session, language = current_session(), current_language()
    page = paged(session, challenges.categories(), pagination_parameters)
    counts = challenges.count_by_category(session)
    return [challenges.category_sheet(category, counts, language) for category in page]


@blueprint.route("/challenges")
@public
@refuses(UnknownCategory, NothingToSearch)
@blueprint.arguments(ChallengeFilterSchema, location="query")
@blueprint.response(200, ChallengeSchema(many=True))
@blueprint.paginate()
def list_challenges(filters: dict[str, Any], pagination_parameters: PaginationParameters) -> Any:
    """List the challenges on offer.

    By category, bonus challenges before malus, then by name. Filters add up; words are looked for in the reader's
    language. Retired challenges are not listed.
    """
    session, language = current_session(), current_language()
    page = paged(session, challenges.offered_challenges(session, filters, language), pagination_parameters)
    return [challenges.sheet_of(version, language) for version in page]


@blueprint.route("/challenges/<id:challenge_id>")
@public
@blueprint.etag
@blueprint.arguments(LanguageSchema, location="query")
@blueprint.response(200, ChallengeDetailSchema)
def get_challenge(query: dict[str, Any], challenge_id: UUID) -> Any:
    """Read one challenge, also a retired one."""
    return challenges.sheet_of(challenges.find_challenge(current_session(), challenge_id), current_language())


@blueprint.route("/challenges/<id:challenge_id>/versions")
@public
@blueprint.arguments(LanguageSchema, location="query")
@blueprint.response(200, ChallengeDetailSchema(many=True))
@blueprint.paginate()
def list_challenge_versions(
    query: dict[str, Any], challenge_id: UUID, pagination_parameters: PaginationParameters
) -> Any:
    """List the versions of a challenge, the newest first.

    A version never changes: a completion keeps the points and the impact of the one it was recorded with.
    """
    session, language = current_session(), current_language()
    page = paged(session, challenges.challenge_versions(session, challenge_id), pagination_parameters)
    return [challenges.sheet_of(version, language) for version in page]
