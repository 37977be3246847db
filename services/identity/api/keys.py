"""/jwks: the public keys that access tokens are verified with."""

from __future__ import annotations

from typing import Any

from services.identity.api.context import PREFIX
from services.identity.domain.keys import public_keys
from services.identity.schemas import KeysSchema
from shared.api import Blueprint
from shared.auth import public
from shared.web import current_session

blueprint = Blueprint("keys", __name__, url_prefix=PREFIX, description="Public keys")
well_known = Blueprint("well-known-keys", __name__, url_prefix="/identity/.well-known", description="Public keys")
CACHE = {"Cache-Control": "public, max-age=300"}  # half of the time between a key's publication and its first use


@blueprint.route("/jwks", methods=["GET"])
@public
@blueprint.response(200, KeysSchema)
def get_keys() -> Any:
    """Read the public keys as a JSON Web Key Set."""
    return {"keys": public_keys(current_session())}, CACHE


@well_known.route("/jwks.json", methods=["GET"])
@public
@well_known.response(200, KeysSchema)
def get_well_known_keys() -> Any:
    """Read the public keys where OpenID Connect clients look for them."""
    return {"keys": public_keys(current_session())}, CACHE
