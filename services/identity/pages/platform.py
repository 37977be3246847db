"""For operators: the tenants of the platform."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from services.identity.domain import tenants
from services.identity.schemas import KINDS
from shared.auth import OPERATOR, across_tenants_for_operators, roles
from shared.errors import NotFound
from shared.pages import redirect_to
from shared.pages.listing import listed
from shared.web import current_session

blueprint = Blueprint("platform_pages", __name__, url_prefix="/identity/platform")


@blueprint.get("")
@roles(OPERATOR)
@across_tenants_for_operators
def list_tenants() -> str:
    """Every tenant, found by kind and a part of its name, and how the four services are."""
    name, kind = request.args.get("name", "").strip()[:120], request.args.get("kind", "")
    filters = {"name": name or None, "kind": kind if kind in KINDS else None}
    found = tenants.tenants(**{key: value for key, value in filters.items() if value})
    return render_template("pages/platform.html", page=listed(current_session(), found), name=name, kind=kind)


@blueprint.post("/<id:tenant_id>/<action>")
@roles(OPERATOR)
@across_tenants_for_operators
def act(tenant_id: UUID, action: str) -> ResponseReturnValue:
    """Suspends or resumes a tenant: within seconds nobody, or everybody, of it may act, in every service."""
    if action == "suspend":
        tenants.suspend_tenant(current_session(), tenant_id)
        return redirect_to("/identity/platform", "The tenant is suspended.")
    if action == "resume":
        tenants.resume_tenant(current_session(), tenant_id)
        return redirect_to("/identity/platform", "The tenant may act again.")
    raise NotFound
