"""The HTML pages of identity: the front door."""

from __future__ import annotations

from flask import Blueprint, render_template

from shared.auth import public_without_session

blueprint = Blueprint("pages", __name__)


@blueprint.get("/")
@public_without_session
def home() -> str:
    """What this is, the public counters, and the way to the API pages."""
    return render_template("pages/home.html", apis=("identity", "challenges", "leagues", "ranking"))
