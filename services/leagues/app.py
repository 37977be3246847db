"""The application of leagues: its blueprints, nothing else."""

from __future__ import annotations

from flask import Flask

from services.leagues import pages
from services.leagues.api import BLUEPRINTS
from services.leagues.domain.announcements import ANNOUNCEMENTS
from services.leagues.domain.editions import freeze_what_is_over
from services.leagues.events import HANDLERS
from shared.database import Database
from shared.service import Service
from shared.settings import Settings
from shared.tenancy import across_tenants
from shared.web import build_app


def create_app(settings: Settings, database: Database) -> Flask:
    """The Flask application of leagues."""
    return build_app("leagues", settings, database, [*BLUEPRINTS, *pages.BLUEPRINTS], import_name=__name__)


def freeze_editions(database: Database) -> None:
    """Every minute: the editions whose grace is over stand still."""
    with database.transaction(across_tenants()) as session:
        freeze_what_is_over(session)


SERVICE = Service(
    name="leagues",
    create_app=create_app,
    handlers=HANDLERS,
    every_minute=freeze_editions,
    announcements=ANNOUNCEMENTS,
)
