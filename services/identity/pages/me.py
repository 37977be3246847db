"""The reader's own account."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from services.identity.api.context import current_throttle
from services.identity.cookies import clear_cookies, keep_language
from services.identity.domain.password_changes import change_password, delete_account
from services.identity.domain.people import change_person, get_person
from services.identity.domain.tenants import get_tenant
from services.identity.page_schemas import DeletePageSchema, MePageSchema
from services.identity.pages.choices import languages
from services.identity.schemas import PasswordPutSchema
from shared.auth import roles
from shared.forms import Form
from shared.pages import redirect_to
from shared.web import current_caller, current_session

blueprint = Blueprint("me_pages", __name__, url_prefix="/identity/me")


@blueprint.route("", methods=["GET", "POST"])
@roles()
def me() -> ResponseReturnValue:
    """My name, my language, my tenant, and the way out."""
    person = get_person(current_session(), current_caller().person_id)
    form = Form(MePageSchema, {"display_name": person.display_name, "language": person.language})
    if form.is_sent:
        with form.refusals():
            person = get_person(current_session(), current_caller().person_id, is_locked=True)
            change_person(current_session(), person, form.data)
            response = redirect_to("/identity/me", "Saved.")
            keep_language(response, person.language)
            return response
    return form.page(
        "pages/me.html",
        person=person,
        tenant=get_tenant(current_session(), current_caller().tenant_id),
        languages_offered=languages(),
    )


@blueprint.route("/password", methods=["GET", "POST"])
@roles()
def password() -> ResponseReturnValue:
    """Another password. My other sessions end; this one goes on."""
    form = Form(PasswordPutSchema)
    if form.is_sent:
        with form.refusals():
            typed, caller = form.data, current_caller()
            current_throttle().count_password(str(caller.person_id))
            change_password(current_session(), caller, current=typed["current_password"], new=typed["new_password"])
            return redirect_to("/identity/me", "Your new password is set. Your other devices are signed out.")
    return form.page("pages/password.html")


@blueprint.route("/delete", methods=["GET", "POST"])
@roles()
def delete() -> ResponseReturnValue:
    """The end of my account: what goes with it, what stays, and my password to make sure."""
    form = Form(DeletePageSchema)
    if form.is_sent:
        with form.refusals():
            caller = current_caller()
            typed = form.data
            current_throttle().count_password(str(caller.person_id))
            delete_account(current_session(), caller, current=typed["current_password"])
            clear_cookies()
            return redirect_to("/", "Your account is deleted. Thank you for what you did.")
    return form.page("pages/delete.html")
