"""/password-resets: for those who forgot."""

from __future__ import annotations

from services.identity.api.context import PREFIX, current_address, current_settings, current_throttle
from services.identity.domain.password_changes import ask_for_reset, confirm_reset
from services.identity.errors import LinkExpired, WeakPassword
from services.identity.schemas import PasswordResetConfirmationSchema, PasswordResetSchema
from shared.api import Blueprint
from shared.auth import public
from shared.openapi import refuses
from shared.web import current_session

blueprint = Blueprint("password-resets", __name__, url_prefix=PREFIX, description="Forgotten passwords")


@blueprint.route("/password-resets", methods=["POST"])
@public
@blueprint.arguments(PasswordResetSchema)
@blueprint.response(202)
def ask(form: dict[str, str]) -> None:
    """Ask for a link to choose a new password.

    The answer is the same whether or not the e-mail has an account. The link works once, for an hour.
    """
    current_throttle().count_reset(form["email"], current_address())
    ask_for_reset(current_session(), current_settings(), form["email"])


@blueprint.route("/password-resets/confirmations", methods=["POST"])
@public
@refuses(LinkExpired, WeakPassword)
@blueprint.arguments(PasswordResetConfirmationSchema)
@blueprint.response(204)
def confirm(form: dict[str, str]) -> None:
    """Choose a new password with the token of the mail.

    Every session of the person ends.
    """
    current_throttle().count_form("confirmations", current_address())
    confirm_reset(current_session(), token=form["token"], password=form["password"])
