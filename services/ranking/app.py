"""The ranking service, put together."""

from __future__ import annotations

from flask import Flask

from services.ranking import api, pages
from services.ranking.domain.announcements import ANNOUNCEMENTS
from services.ranking.events import HANDLERS
from shared.database import Database
from shared.service import Service
from shared.settings import Settings
from shared.web import build_app


def create_app(settings: Settings, database: Database) -> Flask:
    """The web application."""
    return build_app("ranking", settings, database, [api.blueprint, pages.blueprint], import_name=__name__)


SERVICE = Service(name="ranking", create_app=create_app, handlers=HANDLERS, announcements=ANNOUNCEMENTS)
