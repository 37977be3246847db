"""What the views of identity need besides the session and the caller."""

from __future__ import annotations

from flask import current_app, request

from services.identity.domain.invitations import Invited
from services.identity.throttle import Throttle
from shared.settings import Settings

PREFIX = "/identity/api/v1"
THROTTLE = "identity-throttle"


def current_settings() -> Settings:
    """The settings of the running application."""
    settings: Settings = current_app.extensions["mpp"]["settings"]
    return settings


def current_throttle() -> Throttle:
    """The counters of attempts."""
    throttle: Throttle = current_app.extensions[THROTTLE]
    return throttle


def current_address() -> str:
    """The network address the request comes from."""
    return request.remote_addr or "unknown"


def count_acceptance(invited: Invited) -> None:
    """Counts somebody who joins by a link. Raises TooManyRequests."""
    if invited.is_open:
        current_throttle().count_arrival(str(invited.invitation_id), current_address())
    else:
        current_throttle().count_form("acceptances", current_address())
