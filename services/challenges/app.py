"""The application of the challenges service."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from services.challenges import pages
from services.challenges.api import blueprint
from services.challenges.catalogue_files import FOLDER, CatalogueError, read_catalogue
from services.challenges.domain.announcements import ANNOUNCEMENTS
from services.challenges.domain.catalogue import Loaded, load_catalogue
from services.challenges.events import HANDLERS
from shared.database import Database
from shared.service import Service
from shared.settings import Settings, SettingsError
from shared.tenancy import PLATFORM_TENANT_ID, of_tenant
from shared.web import build_app


def create_app(settings: Settings, database: Database) -> Flask:
    """The catalogue: its API and its pages."""
    return build_app("challenges", settings, database, [blueprint, pages.blueprint], import_name=__name__)


def load_folder(database: Database, folder: Path = FOLDER) -> Loaded:
    """Loads the catalogue of a folder into the platform's tenant. Raises CatalogueError."""
    catalogue = read_catalogue(folder)
    with database.transaction(of_tenant(PLATFORM_TENANT_ID)) as session:
        return load_catalogue(session, catalogue)


def _after_migrate(database: Database, settings: Settings) -> None:
    try:
        load_folder(database)
    except CatalogueError as error:
        raise SettingsError(str(error)) from error


SERVICE = Service(
    name="challenges",
    create_app=create_app,
    handlers=HANDLERS,
    after_migrate=_after_migrate,
    announcements=ANNOUNCEMENTS,
)
