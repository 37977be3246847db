"""The browsable page of an API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import flask_swagger_ui
from flask import Blueprint, Response, render_template, send_from_directory

from shared.auth import public_without_session
from shared.pages.static import FOLDER

SWAGGER_UI = Path(flask_swagger_ui.__file__).parent / "dist"


def docs_blueprint(service: str) -> Blueprint:
    """`/<service>/api/v1/docs`, and the files of Swagger UI, served by ourselves."""
    blueprint = Blueprint("docs", __name__, url_prefix=f"/{service}")

    @blueprint.get("/api/v1/docs")
    @public_without_session
    def docs() -> Response:
        return Response(render_template("docs.html", service=service))

    @blueprint.get("/static/swagger-ui/<path:name>")
    @public_without_session
    def swagger_ui(name: str) -> Any:
        return send_from_directory(SWAGGER_UI, name, max_age=86400)

    @blueprint.get("/static/<path:name>")
    @public_without_session
    def static_file(name: str) -> Any:
        return send_from_directory(FOLDER, name, max_age=86400)

    return blueprint
