"""The frame of every page, and the browsable page of an API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import flask_swagger_ui
from babel.numbers import format_decimal
from flask import Blueprint, Response, render_template, send_from_directory

from shared.auth import public_without_session
from shared.i18n import current_language, translate

UI = Path(__file__).parent / "ui"
SWAGGER_UI = Path(flask_swagger_ui.__file__).parent / "dist"
DOCS_POLICY = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'"


def number(value: int) -> str:
    """A whole number as the reader writes it: 1,940,000 or 1 940 000."""
    return format_decimal(value, locale=current_language())


def docs_blueprint(service: str) -> Blueprint:
    """`/<service>/api/v1/docs`, and the static files of the frame and of Swagger UI, served by ourselves."""
    blueprint = Blueprint("docs", __name__, url_prefix=f"/{service}", template_folder=str(UI / "templates"))
    blueprint.add_app_template_global(translate, "_")
    blueprint.add_app_template_global(current_language, "current_language")
    blueprint.add_app_template_global(number, "number")
    blueprint.app_context_processor(lambda: {"service": service})

    @blueprint.get("/api/v1/docs")
    @public_without_session
    def docs() -> Response:
        response = Response(render_template("docs.html", service=service))
        response.headers["Content-Security-Policy"] = DOCS_POLICY
        return response

    @blueprint.get("/static/swagger-ui/<path:name>")
    @public_without_session
    def swagger_ui(name: str) -> Any:
        return send_from_directory(SWAGGER_UI, name, max_age=86400)

    @blueprint.get("/static/<path:name>")
    @public_without_session
    def static_file(name: str) -> Any:
        return send_from_directory(UI / "static", name, max_age=86400)

    return blueprint
