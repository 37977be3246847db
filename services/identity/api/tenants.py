"""/tenants: founded by anybody, looked after by their administrator, watched by operators."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from flask_smorest.pagination import PaginationParameters

from services.identity.api.context import PREFIX, current_address, current_throttle
from services.identity.domain import tenants
from services.identity.domain.people import sign_up_player
from services.identity.errors import EmailTaken, PlatformStaysOpen, WeakPassword
from services.identity.models import Person, Tenant
from services.identity.schemas import (
    FoundedSchema,
    PersonSchema,
    PlayerCreateSchema,
    TenantCreateSchema,
    TenantPatchSchema,
    TenantQuerySchema,
    TenantSchema,
)
from shared.api import Blueprint, paged
from shared.auth import ADMINISTRATOR, OPERATOR, across_tenants_for_operators, public, roles
from shared.openapi import refuses
from shared.web import current_session

blueprint = Blueprint("tenants", __name__, url_prefix=PREFIX, description="Schools, companies and the community")


@blueprint.route("/tenants", methods=["POST"])
@public
@refuses(WeakPassword)
@blueprint.arguments(TenantCreateSchema)
@blueprint.response(201, FoundedSchema)
def found_tenant(form: dict[str, Any]) -> dict[str, Any]:
    """Found a school or a company.

    The administrator signs in afterwards with the e-mail and password given here.
    """
    current_throttle().count_form("tenants", current_address())
    administrator = msgspec.convert(form.pop("administrator"), tenants.FirstAdministrator)
    facts = msgspec.convert(form, tenants.TenantFacts)
    tenant, person = tenants.found_with_administrator(current_session(), facts, administrator)
    return {"tenant": tenant, "person": person}


@blueprint.route("/tenants", methods=["GET"])
@roles(OPERATOR)
@across_tenants_for_operators
@blueprint.arguments(TenantQuerySchema, location="query")
@blueprint.response(200, TenantSchema(many=True))
@blueprint.paginate()
def list_tenants(query: dict[str, Any], pagination_parameters: PaginationParameters) -> Any:
    """List every tenant."""
    return paged(current_session(), tenants.tenants(**query), pagination_parameters)


@blueprint.route("/tenants/<id:tenant_id>", methods=["GET"])
@roles(ADMINISTRATOR, OPERATOR)
@blueprint.etag
@blueprint.response(200, TenantSchema)
def get_tenant(tenant_id: UUID) -> Tenant:
    """Read one's own tenant."""
    return tenants.get_tenant(current_session(), tenant_id)


@blueprint.route("/tenants/<id:tenant_id>", methods=["PATCH"])
@roles(ADMINISTRATOR)
@blueprint.etag
@blueprint.arguments(TenantPatchSchema)
@blueprint.response(200, TenantSchema)
def change_tenant(changes: dict[str, str], tenant_id: UUID) -> Tenant:
    """Change the name, country, language or time zone of one's own tenant."""
    tenant = tenants.get_tenant(current_session(), tenant_id, is_locked=True)
    blueprint.check_etag(tenant, TenantSchema)
    return tenants.change_tenant(current_session(), tenant, changes)


@blueprint.route("/tenants/<id:tenant_id>/suspension", methods=["PUT"])
@roles(OPERATOR)
@across_tenants_for_operators
@refuses(PlatformStaysOpen)
@blueprint.response(204)
def suspend_tenant(tenant_id: UUID) -> None:
    """Suspend a tenant.

    Within seconds nobody of it can sign in or act, in any service. Suspending it again changes nothing.
    """
    tenants.suspend_tenant(current_session(), tenant_id)


@blueprint.route("/tenants/<id:tenant_id>/suspension", methods=["DELETE"])
@roles(OPERATOR)
@across_tenants_for_operators
@blueprint.response(204)
def resume_tenant(tenant_id: UUID) -> None:
    """Let a suspended tenant act again."""
    tenants.resume_tenant(current_session(), tenant_id)


@blueprint.route("/players", methods=["POST"])
@public
@refuses(EmailTaken, WeakPassword)
@blueprint.arguments(PlayerCreateSchema)
@blueprint.response(201, PersonSchema)
def sign_up_as_player(form: dict[str, Any]) -> Person:
    """Join the public community as a player."""
    current_throttle().count_form("players", current_address())
    return sign_up_player(current_session(), **form)
