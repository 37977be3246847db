"""The HTML pages of leagues: where an invitation link leads."""

from __future__ import annotations

from flask import Blueprint, render_template

from services.leagues.domain.leagues import is_code, shown_code
from shared.auth import public_without_session
from shared.errors import NotFound

blueprint = Blueprint("pages", __name__, url_prefix="/leagues")


@blueprint.get("/join/<code>")
@public_without_session
def join(code: str) -> str:
    """What to do with an invitation. It says nothing of the league: whoever has the code signs in first."""
    if not is_code(code):
        raise NotFound
    return render_template("pages/join.html", code=shown_code(code))
