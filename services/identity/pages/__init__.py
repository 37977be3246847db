"""The HTML pages of identity: the front door, sessions, accounts, people, tenants."""

from __future__ import annotations

from services.identity.pages import accounts, doors, front, me, people, platform, sessions
from shared.pages.static import static_blueprint

BLUEPRINTS = [
    front.blueprint,
    sessions.blueprint,
    accounts.blueprint,
    me.blueprint,
    people.blueprint,
    doors.blueprint,
    platform.blueprint,
    static_blueprint(),
]
