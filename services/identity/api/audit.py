"""/audit: who changed what."""

from __future__ import annotations

from typing import Any

from flask_smorest.pagination import PaginationParameters

from services.identity.api.context import PREFIX
from services.identity.domain import audit
from services.identity.schemas import AuditEntrySchema, AuditQuerySchema
from shared.api import Blueprint, paged
from shared.auth import ADMINISTRATOR, roles
from shared.web import current_session

blueprint = Blueprint("audit", __name__, url_prefix=PREFIX, description="The audit trail")


@blueprint.route("/audit", methods=["GET"])
@roles(ADMINISTRATOR)
@blueprint.arguments(AuditQuerySchema, location="query")
@blueprint.response(200, AuditEntrySchema(many=True))
@blueprint.paginate()
def list_entries(query: dict[str, Any], pagination_parameters: PaginationParameters) -> Any:
    """List who changed what in the tenant, the newest first."""
    page = paged(current_session(), audit.entries(**query), pagination_parameters)
    return audit.with_names(current_session(), page)
