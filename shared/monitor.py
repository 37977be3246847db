"""The small application of a worker: its health and its numbers, under the addresses a web role has."""

from __future__ import annotations

from flask import Flask

from shared.database import Database
from shared.health import health_blueprint
from shared.service import Service


def monitor_app(service: Service, database: Database) -> Flask:
    """`/<service>/health/live`, `/<service>/health/ready`, `/<service>/metrics`, and nothing else."""
    app = Flask(f"{service.name}-worker", static_folder=None)
    app.register_blueprint(health_blueprint(service.name, database, newest_shown=service.newest_shown))
    return app
