"""/people: the people of the caller's tenant, for its administrators."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask_smorest.pagination import PaginationParameters

from services.identity.api.context import PREFIX
from services.identity.domain import people
from services.identity.errors import LastAdministrator, OperatorsByCommandLine
from services.identity.models import Person
from services.identity.schemas import PeopleQuerySchema, PersonPatchSchema, PersonSchema
from shared.api import Blueprint, paged
from shared.auth import ADMINISTRATOR, roles
from shared.openapi import refuses
from shared.web import current_session

blueprint = Blueprint("people", __name__, url_prefix=PREFIX, description="The people of one's own tenant")


@blueprint.route("/people", methods=["GET"])
@roles(ADMINISTRATOR)
@blueprint.arguments(PeopleQuerySchema, location="query")
@blueprint.response(200, PersonSchema(many=True))
@blueprint.paginate()
def list_people(query: dict[str, Any], pagination_parameters: PaginationParameters) -> Any:
    """List the people of the tenant."""
    return paged(current_session(), people.people(**query), pagination_parameters)


@blueprint.route("/people/<id:person_id>", methods=["GET"])
@roles(ADMINISTRATOR)
@blueprint.etag
@blueprint.response(200, PersonSchema)
def get_person(person_id: UUID) -> Person:
    """Read a person."""
    return people.get_person(current_session(), person_id)


@blueprint.route("/people/<id:person_id>", methods=["PATCH"])
@roles(ADMINISTRATOR)
@refuses(LastAdministrator, OperatorsByCommandLine)
@blueprint.etag
@blueprint.arguments(PersonPatchSchema)
@blueprint.response(200, PersonSchema)
def change_person(changes: dict[str, Any], person_id: UUID) -> Person:
    """Change a person's name or roles.

    With other roles, the person's access tokens are refused within seconds; a refresh gives one with the new roles.
    """
    person = people.get_person(current_session(), person_id, is_locked=True)
    blueprint.check_etag(person, PersonSchema)
    return people.change_person(current_session(), person, changes)


@blueprint.route("/people/<id:person_id>", methods=["DELETE"])
@roles(ADMINISTRATOR)
@refuses(LastAdministrator)
@blueprint.response(204)
def remove_person(person_id: UUID) -> None:
    """Remove a person from the tenant for good."""
    people.remove_person(current_session(), person_id)


@blueprint.route("/people/<id:person_id>/suspension", methods=["PUT"])
@roles(ADMINISTRATOR)
@refuses(LastAdministrator)
@blueprint.response(204)
def suspend_person(person_id: UUID) -> None:
    """Suspend a person.

    Within seconds they can no longer act, in any service. Suspending them again changes nothing.
    """
    people.suspend_person(current_session(), person_id)


@blueprint.route("/people/<id:person_id>/suspension", methods=["DELETE"])
@roles(ADMINISTRATOR)
@blueprint.response(204)
def resume_person(person_id: UUID) -> None:
    """Let a suspended person act again."""
    people.resume_person(current_session(), person_id)
