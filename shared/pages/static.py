"""The files of the frame (styles, scripts, fonts, pictures), under an address that changes whenever they do."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import Any

from flask import Blueprint, send_from_directory

from shared.auth import public_without_session

FOLDER = Path(__file__).parent.parent / "ui" / "static"
YEAR = 365 * 86400


@functools.cache
def version() -> str:
    """A name for the files as they are now: another one as soon as a byte of any of them changes."""
    digest = hashlib.sha256()
    for path in sorted(FOLDER.rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(FOLDER).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def static_url(name: str) -> str:
    """The address of a file of the frame. Every service's pages use the same one, so that it is fetched once."""
    return f"/static/{version()}/{name}"


def static_blueprint() -> Blueprint:
    """`/static/<version>/...`, for the service that answers at `/`.

    An older version's address answers with the file of today, not to be kept: during an upgrade a page of one version
    may meet a server of the other.
    """
    blueprint = Blueprint("static_files", __name__)

    @blueprint.get("/static/<asked>/<path:name>")
    @public_without_session
    def static_file(asked: str, name: str) -> Any:
        response = send_from_directory(FOLDER, name, max_age=YEAR)
        if asked == version():
            response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
        else:
            response.headers["Cache-Control"] = "no-cache"
        return response

    return blueprint
