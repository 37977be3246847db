"""The front door: home, the language switch, the legal pages, every component on one page."""

from __future__ import annotations

import json

from flask import Blueprint, Response, g, render_template, request
from flask.typing import ResponseReturnValue

from services.identity.cookies import keep_language
from services.identity.domain.people import change_person, get_person
from shared.auth import public, public_without_session
from shared.clock import utc_now
from shared.errors import Invalid, NotFound, message
from shared.i18n import LANGUAGES, current_language
from shared.pages import local_path, redirect_to
from shared.pages.moves import CSRF_COOKIE, to_continue
from shared.pages.static import FOLDER, colour, static_url, version
from shared.web import current_session

LEGAL = ("about", "privacy", "terms", "accessibility")

blueprint = Blueprint("front", __name__)


@blueprint.get("/")
@public_without_session
def home() -> str:
    """What this is in ten seconds, the public counters, and the ways in."""
    return render_template("pages/home.html")


@blueprint.get("/ui")
@public_without_session
def components() -> str:
    """Every component of the pages, in every state."""
    return render_template("gallery.html", now=utc_now())


@blueprint.get("/legal/<subject>")
@public_without_session
def legal(subject: str) -> str:
    """Who we are, what becomes of the data, the terms, accessibility."""
    if subject not in LEGAL:
        raise NotFound
    return render_template(f"pages/legal/{subject}.html")


@blueprint.post("/language")
@public
def choose_language() -> ResponseReturnValue:
    """Keeps the reader's choice of language, and leads back to the page they came from.

    It is kept on this device; of somebody signed in, in their account too, whose mails and other devices follow.
    """
    if g.caller is None and CSRF_COOKIE in request.cookies:
        return to_continue(is_guest=True)  # the short token has ended, perhaps not the session: then back here
    language = request.form.get("language", "")
    if language not in LANGUAGES:
        raise Invalid(fields={"language": [message("This is not one of our languages: choose fr or en.")]})
    if g.caller is not None:
        person = get_person(current_session(), g.caller.person_id, is_locked=True)
        change_person(current_session(), person, {"language": language})
    response: Response = redirect_to(local_path(request.form.get("back")))
    keep_language(response, language)
    return response


@blueprint.get("/manifest.webmanifest")
@public_without_session
def manifest() -> Response:
    """What a phone needs to put us on its home screen."""
    icons = [
        {
            "src": static_url(f"icons/planet-{size}.png"),
            "sizes": f"{size}x{size}",
            "purpose": purpose,
        }
        for size in (192, 512)
        for purpose in ("any", "maskable")
    ]
    told = {
        "id": "/",
        "name": "Ma Petite Planète",
        "short_name": "Planète",
        "lang": current_language(),
        "start_url": "/leagues/",
        "scope": "/",
        "display": "standalone",
        "background_color": colour("paper"),
        "theme_color": colour("leaf"),
        "icons": icons,
    }
    return Response(json.dumps(told, ensure_ascii=False), mimetype="application/manifest+json")


@blueprint.get("/service-worker.js")
@public_without_session
def service_worker() -> Response:
    """The script that keeps the frame, and what is recorded without network; another version's replaces it."""
    script = (FOLDER / "service-worker.js").read_text(encoding="utf-8").replace("VERSION", version())
    return Response(script, mimetype="text/javascript", headers={"Cache-Control": "no-cache"})


@blueprint.get("/offline")
@public_without_session
def offline() -> str:
    """What is shown without network: nothing is lost, and what was recorded waits."""
    return render_template("pages/offline.html")
