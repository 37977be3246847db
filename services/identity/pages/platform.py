"""For operators: the tenants of the platform, each opened, and who changed what in all of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from services.identity.domain import audit, tenants
from services.identity.pages.choices import country_name, kind_names, role_names
from services.identity.pages.trail import asked_action, words
from services.identity.schemas import KINDS
from shared.api import id_of
from shared.auth import OPERATOR, across_tenants_for_operators, roles
from shared.errors import NotFound
from shared.pages import redirect_to
from shared.pages.listing import listed
from shared.web import current_session

STATES = {"open": False, "suspended": True}
"""What the list is filtered by, and what it means for `is_suspended`."""
NEWEST = 10
"""How many entries of its trail the page of a tenant shows."""

blueprint = Blueprint("platform_pages", __name__, url_prefix="/identity/platform")


@blueprint.get("")
@roles(OPERATOR)
@across_tenants_for_operators
def list_tenants() -> str:
    """How the four services are; every tenant, found by a part of its name, its kind and whether it is suspended."""
    asked = {"name": request.args.get("name", "").strip()[:120]}
    asked |= {key: request.args.get(key, "") for key in ("kind", "state")}
    filters: dict[str, Any] = {"name": asked["name"]} if asked["name"] else {}
    if asked["kind"] in KINDS:
        filters["kind"] = asked["kind"]
    if asked["state"] in STATES:
        filters["is_suspended"] = STATES[asked["state"]]
    session = current_session()
    page = listed(session, tenants.tenants(**filters))
    return render_template(
        "pages/platform.html",
        page=page,
        people=tenants.people_in(session, [tenant.tenant_id for tenant in page.items]),
        asked=asked,
        is_filtered=bool(filters),
        kind_names=kind_names(),
    )


@blueprint.get("/audit")
@roles(OPERATOR)
@across_tenants_for_operators
def trail() -> str:
    """Who changed what in every tenant, or in one, the newest first."""
    session, action, asked = current_session(), asked_action(), request.args.get("tenant", "")
    tenant = tenants.get_tenant(session, id_of(asked)) if asked else None
    page = listed(session, audit.entries_of(tenant.tenant_id if tenant else None, action))
    return render_template(
        "pages/platform_audit.html",
        page=page,
        entries=audit.with_names(session, page.items),
        action=action,
        tenant=tenant,
        role_names=role_names(),
        **words(),
    )


@blueprint.get("/<id:tenant_id>")
@roles(OPERATOR)
@across_tenants_for_operators
def show_tenant(tenant_id: UUID) -> str:
    """A tenant: what it is, how many people it has, what was last changed in it."""
    session = current_session()
    tenant = tenants.get_tenant(session, tenant_id)
    newest = listed(session, audit.entries_of(tenant_id), size=NEWEST)
    return render_template(
        "pages/platform_tenant.html",
        tenant=tenant,
        country=country_name(tenant.country),
        count=tenants.head_count(session, tenant_id),
        kind_names=kind_names(),
        entries=audit.with_names(session, newest.items),
        total=newest.total,
        role_names=role_names(),
        **words(),
    )


@blueprint.get("/<id:tenant_id>/<action>")
@roles(OPERATOR)
@across_tenants_for_operators
def ask(tenant_id: UUID, action: str) -> str:
    """What suspending or resuming a tenant does, before anybody does it."""
    if action not in ("suspend", "resume"):
        raise NotFound
    session = current_session()
    tenant = tenants.get_tenant(session, tenant_id)
    tenants.require_suspendable(tenant_id)
    count = tenants.head_count(session, tenant_id)
    return render_template("pages/platform_sure.html", tenant=tenant, action=action, people=count.people)


@blueprint.post("/<id:tenant_id>/<action>")
@roles(OPERATOR)
@across_tenants_for_operators
def act(tenant_id: UUID, action: str) -> ResponseReturnValue:
    """Suspends or resumes a tenant: within seconds nobody, or everybody, of it may act, in every service."""
    address = f"/identity/platform/{tenant_id}"
    if action == "suspend":
        tenants.suspend_tenant(current_session(), tenant_id)
        return redirect_to(address, "The tenant is suspended.")
    if action == "resume":
        tenants.resume_tenant(current_session(), tenant_id)
        return redirect_to(address, "The tenant may act again.")
    raise NotFound
