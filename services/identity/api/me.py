"""/me: the caller."""

from __future__ import annotations

from typing import Any

from services.identity.api.context import PREFIX, current_throttle
from services.identity.domain.password_changes import change_password
from services.identity.domain.people import change_person, get_person
from services.identity.domain.tenants import get_tenant
from services.identity.errors import WeakPassword
from services.identity.models import Person
from services.identity.schemas import MePatchSchema, MeSchema, PasswordPutSchema
from shared.api import Blueprint
from shared.auth import roles
from shared.openapi import refuses
from shared.web import current_caller, current_session

blueprint = Blueprint("me", __name__, url_prefix=PREFIX, description="The caller")


@blueprint.route("/me", methods=["GET"])
@roles()
@blueprint.etag
@blueprint.response(200, MeSchema)
def get_me() -> dict[str, Any]:
    """Read who I am, and in which tenant."""
    return _me(get_person(current_session(), current_caller().person_id))


@blueprint.route("/me", methods=["PATCH"])
@roles()
@blueprint.etag
@blueprint.arguments(MePatchSchema)
@blueprint.response(200, MeSchema)
def change_me(changes: dict[str, str]) -> dict[str, Any]:
    """Change my name or language."""
    person = get_person(current_session(), current_caller().person_id, is_locked=True)
    blueprint.check_etag(_me(person), MeSchema)
    return _me(change_person(current_session(), person, changes))


@blueprint.route("/me/password", methods=["PUT"])
@roles()
@refuses(WeakPassword)
@blueprint.arguments(PasswordPutSchema)
@blueprint.response(204)
def put_password(form: dict[str, str]) -> None:
    """Change my password.

    My other sessions end; this one goes on.
    """
    caller = current_caller()
    current_throttle().count_password(str(caller.person_id))
    change_password(current_session(), caller, current=form["current_password"], new=form["new_password"])


def _me(person: Person) -> dict[str, Any]:
    tenant = get_tenant(current_session(), person.tenant_id)
    return {name: getattr(person, name, None) for name in MeSchema().fields} | {"tenant": tenant}
