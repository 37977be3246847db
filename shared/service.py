"""What a service is to the machinery around it: a name, and what it brings."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import msgspec
from flask import Flask
from sqlalchemy.orm import Session

from shared.announcing import Announcement
from shared.consumer import Handlers
from shared.database import Database
from shared.jobs import JobHandler
from shared.settings import Settings


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """What a service brings: its application, handlers and jobs, what it does every minute and can tell again.

    `newest_shown`: the moment of the newest event that its pages contain, for the service whose freshness matters.
    """

    name: str
    create_app: Callable[[Settings, Database], Flask]
    handlers: Handlers
    jobs: Callable[[Settings], Mapping[str, JobHandler]] | None = None
    every_minute: Callable[[Database], None] | None = None
    after_migrate: Callable[[Database, Settings], None] | None = None
    announcements: Sequence[Announcement] = ()
    newest_shown: Callable[[Session], datetime | None] | None = None


def load_service(name: str) -> Service:
    """The Service object of `services.<name>`."""
    service: Service = importlib.import_module(f"services.{name}.app").SERVICE
    return service
