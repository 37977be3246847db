"""The HTML pieces of ranking that other pages include."""

from __future__ import annotations

from flask import Blueprint, render_template

from services.ranking import domain
from shared.auth import public
from shared.web import current_session

blueprint = Blueprint("pages", __name__, url_prefix="/ranking")


@blueprint.get("/counters")
@public
def counters() -> str:
    """The public counters of all editions, as a fragment."""
    return render_template("pages/counters.html", counters=domain.read_counters(current_session()))
