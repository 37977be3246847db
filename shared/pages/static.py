"""The files of the frame (styles, scripts, fonts, pictures), under an address that changes whenever they do."""

from __future__ import annotations

import functools
import hashlib
import mimetypes
import re
from pathlib import Path

from flask import Blueprint, Response, g, request
from werkzeug.security import safe_join

from shared.auth import public_without_session
from shared.errors import NotFound

FOLDER = Path(__file__).parent.parent / "ui" / "static"
YEAR = 365 * 86400
SHEETS = ("tokens", "base", "components", "game", "pictures", "pages", "frame")
"""The style sheets, in the order in which one rule outdoes another. A page asks for all of them at once: SITE."""
SITE = "site.css"
mimetypes.add_type("font/woff2", ".woff2")  # a bare machine has no list of its own


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


@functools.cache
def colour(name: str, scheme: str = "light") -> str:
    """A colour of tokens.css, for what no style sheet reaches: the frame around a page. `scheme`: light | dark."""
    tokens = (FOLDER / "tokens.css").read_text(encoding="utf-8")
    light, dark = re.findall(rf"--{re.escape(name)}: (#[0-9a-f]{{6}})", tokens)
    return str(dark if scheme == "dark" else light)


def content(name: str) -> bytes:
    """What a file of the frame holds; all style sheets for SITE. Raises NotFound."""
    if name == SITE:
        return b"".join((FOLDER / f"{sheet}.css").read_bytes() for sheet in SHEETS)
    path = safe_join(str(FOLDER), name)
    if path is None or not Path(path).is_file():
        raise NotFound
    return Path(path).read_bytes()


def static_blueprint() -> Blueprint:
    """`/static/<version>/...`, for the service that answers at `/`.

    An older version's address answers with the file of today, not to be kept: during an upgrade a page of one version
    may meet a server of the other.
    """
    blueprint = Blueprint("static_files", __name__)

    @blueprint.get("/static/<asked>/<path:name>")
    @public_without_session
    def static_file(asked: str, name: str) -> Response:
        response = Response(content(name), mimetype=mimetypes.guess_type(name)[0])
        g.is_for_everybody = True
        kept = f"public, max-age={YEAR}, immutable" if asked == version() else "no-cache"
        response.headers["Cache-Control"] = kept
        response.add_etag()
        response.make_conditional(request)
        return response

    return blueprint
