"""The frame of every page: what templates may use, static files, redirects, refusals, and the page of an API."""

from __future__ import annotations

from flask import Flask

from shared.pages.docs import docs_blueprint
from shared.pages.frame import frame_blueprint
from shared.pages.moves import local_path, redirect_to

__all__ = ["local_path", "redirect_to", "register"]


def register(app: Flask, service: str) -> None:
    """Gives an application the frame."""
    app.register_blueprint(frame_blueprint(service))
    app.register_blueprint(docs_blueprint(service))
