"""The application of identity: its blueprints, and what its worker does."""

from __future__ import annotations

from flask import Flask

from services.identity import mail, pages, upkeep
from services.identity.api import BLUEPRINTS
from services.identity.api.context import THROTTLE
from services.identity.domain.announcements import ANNOUNCEMENTS
from services.identity.events import HANDLERS
from services.identity.throttle import Throttle
from shared.database import Database
from shared.service import Service
from shared.settings import Settings
from shared.web import build_app


def create_app(settings: Settings, database: Database) -> Flask:
    """The application of identity."""
    app = build_app("identity", settings, database, [*BLUEPRINTS, *pages.BLUEPRINTS], import_name=__name__)
    app.extensions[THROTTLE] = Throttle(settings)
    return app


SERVICE = Service(
    name="identity",
    create_app=create_app,
    handlers=HANDLERS,
    jobs=mail.jobs,
    every_minute=upkeep.every_minute,
    after_migrate=upkeep.prepare,
    announcements=ANNOUNCEMENTS,
)
