"""The frame of every page: what templates may use, static files, redirects, refusals, and the page of an API."""

from __future__ import annotations

from flask import Flask
from flask_compress import Compress

from shared.pages.docs import docs_blueprint
from shared.pages.frame import frame_blueprint
from shared.pages.moves import local_path, redirect_to
from shared.pages.typed import in_words

__all__ = ["local_path", "redirect_to", "register"]


COMPRESSED = ["text/html", "text/css", "text/javascript", "image/svg+xml", "application/manifest+json"]
"""Pages and their files. JSON is left alone: its ETags are what `If-Match` sends back."""


def register(app: Flask, service: str, *, has_gateway: bool) -> None:
    """Gives an application the frame. Without a gateway that compresses, it does so itself."""
    if not has_gateway:
        app.config.update(COMPRESS_MIMETYPES=COMPRESSED, COMPRESS_ALGORITHM=["br", "gzip"], COMPRESS_STREAMS=False)
        Compress(app)
    app.register_blueprint(frame_blueprint(service))
    app.add_template_global(in_words)
    app.register_blueprint(docs_blueprint(service))
