"""The ranking service, put together."""

from __future__ import annotations

from flask import Flask

from services.ranking import api, pages
from services.ranking.domain.announcements import ANNOUNCEMENTS
from services.ranking.domain.freshness import newest_shown
from services.ranking.events import HANDLERS
from shared.database import Database
from shared.service import Service
from shared.settings import Settings
from shared.web import build_app


def create_app(settings: Settings, database: Database) -> Flask:
    """The web application."""
    blueprints = [api.blueprint, pages.blueprint]
    return build_app("ranking", settings, database, blueprints, import_name=__name__, newest_shown=newest_shown)


SERVICE = Service(
    name="ranking",
    create_app=create_app,
    handlers=HANDLERS,
    announcements=ANNOUNCEMENTS,
    newest_shown=newest_shown,
)
