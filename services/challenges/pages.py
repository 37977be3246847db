"""The HTML pages of the catalogue: readable by everybody."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, render_template, request

from services.challenges.domain import challenges
from services.challenges.models import AGE_BANDS, AUDIENCES
from shared.auth import public
from shared.i18n import current_language
from shared.pages.listing import listed
from shared.web import current_session
from shared.words import words_of

blueprint = Blueprint("pages", __name__, url_prefix="/challenges")


@blueprint.get("/")
@public
def catalogue() -> str:
    """The challenges on offer, found by words, category, audience and age."""
    session, language = current_session(), current_language()
    counts = challenges.count_by_category(session)
    allowed = {"category": tuple(counts), "audience": AUDIENCES, "age_band": AGE_BANDS}
    filters: dict[str, Any] = {name: request.args[name] for name in allowed if request.args.get(name) in allowed[name]}
    words = request.args.get("q", "").strip()[:80]
    wants_malus = request.args.get("kind") == "malus"
    if wants_malus:
        filters["is_malus"] = True
    if words_of(words):
        filters["q"] = words
    page = listed(session, challenges.offered_challenges(session, filters, language))
    return render_template(
        "pages/catalogue.html",
        page=page,
        sheets=[challenges.sheet_of(version, language) for version in page.items],
        filters=filters,
        words=words,
        wants_malus=wants_malus,
        categories=sorted(counts),
        audiences=AUDIENCES,
        age_bands=AGE_BANDS,
    )


@blueprint.get("/<id:challenge_id>")
@public
def show(challenge_id: UUID) -> str:
    """A challenge: why, how, what it brings, and the sources of its figures."""
    return render_template("pages/challenge.html", sheet=_sheet(challenge_id))


@blueprint.get("/fragments/<id:challenge_id>")
@public
def piece(challenge_id: UUID) -> str:
    """Why, how and impact, for the page on which it is recorded."""
    return render_template("pages/challenge_piece.html", sheet=_sheet(challenge_id))


def _sheet(challenge_id: UUID) -> challenges.Sheet:
    return challenges.sheet_of(challenges.find_challenge(current_session(), challenge_id), current_language())
