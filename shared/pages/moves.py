"""From page to page: redirects that stay here, a sentence for the next page, the way to sign in and back."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, unquote, urlencode, urlsplit

from flask import Response, after_this_request, current_app, redirect, request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from shared.i18n import is_sentence, translate

DRAFT = "draft"
"""Sent along with a form, it says that the form is to be shown as it was typed, and nothing is to be done yet."""
CSRF_COOKIE = "mpp_csrf"
SAID_COOKIE = "mpp_said"
SAID_SECONDS = 60
KEPT_HEADER = "X-Kept"
"""Sent by a script with what a device kept while there was no network: a refusal is then told to it, not shown."""
CSRF_FIELD = "csrf_token"
ACCOUNT_FIELD = "account_id"
"""Says with every form who it was shown to."""
SECRETS = ("password", "current_password", "new_password")
KEPT = "kept."
"""Begins the names of what was typed elsewhere, where another form carries it along."""
NOT_KEPT = (CSRF_FIELD, ACCOUNT_FIELD, DRAFT, *SECRETS)
HAS_PAGE = "has_page"
"""Says along with the address of a form that it has a page, where what was typed can be changed before it is sent."""
ON_ITS_WAY = "on_its_way"
"""Says along with the address of a form that it was sent and not done yet, even if nothing was typed into it."""
CONTINUE = "/identity/continue"
"""Where an ended session is renewed, or the reader asked to sign in, and then led back."""


def local_path(address: str | None, otherwise: str = "/") -> str:
    """An address of ours to lead somebody to, or `otherwise`: another origin's is never followed."""
    if not address or not address.startswith("/") or "\\" in address or any(ord(char) < 33 for char in address):
        return otherwise
    parts = urlsplit(address)
    return address if not parts.scheme and not parts.netloc and not address.startswith("//") else otherwise


def redirect_to(address: str, sentence: str = "", **values: Any) -> Response:
    """After a form: to an address of ours (303), where the sentence (English, a key of translations) is said once."""
    response = redirect(local_path(address), code=303)
    if sentence:
        said = quote(json.dumps({"sentence": sentence, "values": values}, default=str))
        response.set_cookie(SAID_COOKIE, said, max_age=SAID_SECONDS, httponly=True, samesite="Lax", secure=has_tls())
    return response  # type: ignore[return-value]


def said() -> str | None:
    """What the page before had to say, once. Only sentences of ours: a cookie can be written by others."""
    cookie = request.cookies.get(SAID_COOKIE)
    if cookie is None:
        return None
    after_this_request(_forget_said)
    try:
        told = json.loads(unquote(cookie))
        sentence, values = str(told["sentence"]), {str(key): str(value) for key, value in told["values"].items()}
        return translate(sentence, **values) if is_sentence(sentence) else None
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


def _forget_said(response: Response) -> Response:
    response.delete_cookie(SAID_COOKIE, httponly=True, samesite="Lax", secure=has_tls())
    return response


def is_kept_send() -> bool:
    """Whether a script sends what its device kept, and reads the answer instead of its reader."""
    return KEPT_HEADER in request.headers


def typed_fields() -> list[tuple[str, str]]:
    """What was typed into the form that is being answered, to be sent once more; never a password."""
    return [(name, value) for name, value in sent_form().items(multi=True) if name not in NOT_KEPT]


def sent_form() -> MultiDict[str, str]:
    """The form that is being answered; an empty one where it is too large, or cut off, to be read."""
    try:
        return request.form
    except HTTPException:
        return MultiDict()


def is_ours() -> bool:
    """Whether a page of ours sent the form that is being answered, as its browser says; without a word it is not."""
    return request.headers.get("Origin", "").partition("://")[2] == request.host


def has_page() -> bool:
    """Whether the address of this request can be opened: not one that takes forms alone."""
    if request.url_rule is not None:
        return "GET" in (request.url_rule.methods or ())
    problem = request.routing_exception
    if isinstance(problem, MethodNotAllowed):
        return "GET" in (problem.valid_methods or ())
    return request.method == "GET"  # nothing is there, and that has a page


def page_before() -> str:
    """The page of ours that a form came from, without its query; empty where that is not known."""
    referrer = request.referrer or ""
    return local_path(urlsplit(referrer).path, "") if referrer.startswith(request.host_url) else ""


def page_here() -> str:
    """The address that opens what the reader sees, or else the page it came from, or else the start."""
    return request.full_path.rstrip("?") if has_page() else page_before() or "/"


def has_tls() -> bool:
    """Whether people reach us by https."""
    is_secure: bool = current_app.extensions["mpp"]["settings"].has_tls
    return is_secure


def to_continue(*, is_guest: bool = False) -> Response:
    """To where the session is renewed, and back to this very request, its body included (307).

    `is_guest`: the page may be read without signing in, so nobody is asked to.
    """
    query = {"to": request.full_path.rstrip("?")} | ({"guest": "1"} if is_guest else {})
    if request.method == "POST" and has_page():
        query[HAS_PAGE] = "1"
    code = 303 if request.method in ("GET", "HEAD") else 307
    response: Any = redirect(f"{CONTINUE}?{urlencode(query)}", code=code)
    response.headers["Cache-Control"] = "no-store"
    return response  # type: ignore[no-any-return]
