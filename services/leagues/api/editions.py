"""Routes of editions."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import g
from flask_smorest.pagination import PaginationParameters

from services.leagues.domain import editions
from services.leagues.errors import DatesFixed, DatesImpossible, LimitsImpossible, PhaseImpossible
from services.leagues.models import Edition
from services.leagues.schemas import (
    EditionChangeSchema,
    EditionCloneSchema,
    EditionCreateSchema,
    EditionSchema,
    PhaseSchema,
)
from shared.api import Blueprint, paged
from shared.auth import ADMINISTRATOR, OPERATOR, public, roles
from shared.clock import transaction_time
from shared.openapi import refuses
from shared.web import current_caller, current_session

blueprint = Blueprint("editions", __name__, url_prefix="/leagues/api/v1", description="When a game is played")


@blueprint.route("/editions")
@roles()
@blueprint.response(200, EditionSchema(many=True))
@blueprint.paginate()
def list_editions(pagination_parameters: PaginationParameters) -> Any:
    """List the editions you can see.

    Your tenant's own and the open ones, newest first; drafts for administrators only.
    """
    found = paged(current_session(), editions.list_editions(current_caller()), pagination_parameters)
    return [_shown(edition) for edition in found]


@blueprint.route("/editions", methods=["POST"])
@roles(ADMINISTRATOR, OPERATOR)
@refuses(DatesImpossible, LimitsImpossible)
@blueprint.arguments(EditionCreateSchema)
@blueprint.response(201, EditionSchema)
def open_edition(facts: dict[str, Any]) -> Any:
    """Open an edition.

    It begins as a draft; put it in the phase `registration` to let leagues in. Without an audience, it is for your
    own kind of tenant.
    """
    caller = current_caller()
    facts["audience"] = facts["audience"] or (caller.tenant_kind if caller.tenant_kind != "platform" else "everyone")
    return _shown(editions.open_edition(current_session(), caller, facts))


@blueprint.route("/editions/<id:edition_id>")
@public
@blueprint.etag
@blueprint.response(200, EditionSchema)
def get_edition(edition_id: UUID) -> Any:
    """Show an edition.

    An open one is public; the others are seen by their tenant.
    """
    return _shown(_visible(edition_id))


@blueprint.route("/editions/<id:edition_id>", methods=["PATCH"])
@roles(ADMINISTRATOR, OPERATOR)
@refuses(DatesFixed, DatesImpossible, LimitsImpossible)
@blueprint.etag
@blueprint.arguments(EditionChangeSchema)
@blueprint.response(200, EditionSchema)
def change_edition(changes: dict[str, Any], edition_id: UUID) -> Any:
    """Change an edition's name, dates or limits.

    Once it runs, its name alone may change.
    """
    edition = editions.find_own_edition(current_session(), current_caller(), edition_id)
    blueprint.check_etag(_shown(edition), EditionSchema)
    return _shown(editions.reschedule_edition(current_session(), edition, changes))


@blueprint.route("/editions/<id:edition_id>/phase", methods=["PUT"])
@roles(ADMINISTRATOR, OPERATOR)
@refuses(PhaseImpossible)
@blueprint.arguments(PhaseSchema)
@blueprint.response(200, EditionSchema)
def move_to_phase(wanted: dict[str, Any], edition_id: UUID) -> Any:
    """Publish, freeze, reveal or archive an edition.

    Time alone brings it from registration to running, grace and frozen.
    """
    edition = editions.find_own_edition(current_session(), current_caller(), edition_id)
    return _shown(editions.move_to_phase(current_session(), edition, wanted["phase"]))


@blueprint.route("/editions/<id:edition_id>/clones", methods=["POST"])
@roles(ADMINISTRATOR, OPERATOR)
@blueprint.arguments(EditionCloneSchema)
@blueprint.response(201, EditionSchema)
def clone_edition(facts: dict[str, Any], edition_id: UUID) -> Any:
    """Play an edition again.

    The same length, audience and limits, from a new start, as a draft of your tenant.
    """
    source = _visible(edition_id)
    return _shown(editions.clone_edition(current_session(), current_caller(), source, facts))


def _visible(edition_id: UUID) -> Edition:
    return editions.find_visible_edition(current_session(), g.caller, edition_id)


def _shown(edition: Edition) -> dict[str, Any]:
    """An edition with its phase now, in its own zone."""
    calendar = editions.calendar_of(edition, edition.zone)
    phase = editions.phase_of(edition, calendar, transaction_time(current_session()))
    columns = ("edition_id", "tenant_id", "name", "audience", "is_public", "zone", "starts_at", "ends_at")
    more = ("registration_ends_at", "grace_days", "min_players", "max_players")
    return {name: getattr(edition, name) for name in columns + more} | {"phase": phase}
