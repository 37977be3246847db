"""Open invitations by page: one link for many, its QR code and its poster."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote
from uuid import UUID

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from services.identity.api.context import current_settings
from services.identity.domain import open_invitations
from services.identity.page_schemas import DAYS, OpenInvitationPageSchema
from shared.auth import ADMINISTRATOR, roles
from shared.forms import Form
from shared.i18n import translate_many
from shared.pages import redirect_to
from shared.pages.qr import qr_code
from shared.web import current_caller, current_session

CODE_LENGTH = 8

blueprint = Blueprint("door_pages", __name__, url_prefix="/identity/people/open-invitations")


@blueprint.route("/new", methods=["GET", "POST"])
@roles(ADMINISTRATOR)
def make() -> ResponseReturnValue:
    """One link for many: how long it works, and for how many."""
    form = Form(OpenInvitationPageSchema, {"days": "30"})
    if form.is_sent:
        with form.refusals():
            made = open_invitations.make_open_invitation(current_session(), **form.data)
            return redirect_to(f"{blueprint.url_prefix}/{made.invitation_id}", "The link is ready. Pass it on.")
    lasts = [(days, translate_many("{n} day", "{n} days", days)) for days in DAYS]
    return form.page("pages/open_invitation_new.html", lasts=lasts, most=open_invitations.MOST_USES)


@blueprint.get("/<id:invitation_id>")
@roles(ADMINISTRATOR)
def show(invitation_id: UUID) -> str:
    """The link, its QR code, how many have used it, and the way to end it."""
    return render_template("pages/open_invitation.html", **_shown(invitation_id))


@blueprint.get("/<id:invitation_id>/poster")
@roles(ADMINISTRATOR)
def poster(invitation_id: UUID) -> str:
    """A sheet to print and hang up."""
    return render_template("pages/open_invitation_poster.html", **_shown(invitation_id))


@blueprint.post("/<id:invitation_id>/end")
@roles(ADMINISTRATOR)
def end(invitation_id: UUID) -> ResponseReturnValue:
    """The link opens nothing any more; who joined by it stays."""
    open_invitations.end_open_invitation(current_session(), invitation_id)
    return redirect_to("/identity/people", "The link is ended. Those who joined by it stay.")


def _shown(invitation_id: UUID) -> dict[str, Any]:
    """What both pages show. `?league=`: the code of a league to which the link leads on at once."""
    invitation = open_invitations.get_open_invitation(current_session(), invitation_id)
    typed = request.args.get("league", "").strip()
    code = "".join(typed.upper().replace("-", " ").split())
    is_code = len(code) == CODE_LENGTH and code.isascii() and code.isalnum()
    link = open_invitations.link_of(current_settings(), invitation)
    if is_code:
        link += f"?to={quote(f'/leagues/join/{code}')}"
    return {
        "invitation": invitation,
        "tenant_name": current_caller().tenant_name,
        "link": link,
        "qr": qr_code(link),
        "code": code if is_code else "",
        "wrong_code": typed[:40] if typed and not is_code else "",
    }
