"""A refusal as a person reads it: what happened, and what to do next."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit

from flask import Response, g, make_response, render_template, request

from shared.errors import NotFound, Refusal
from shared.pages.moves import ACCOUNT_FIELD, SECRETS, is_kept_send, typed_fields
from shared.problems import BadIdentifier, problem, problem_title, refusal_headers

NOT_PAGES = ("/api/", "/health/", "/.well-known/", "/metrics")


def is_page() -> bool:
    """Whether a person's browser is answered, not a program."""
    return not any(part in request.path for part in NOT_PAGES)


def is_fragment() -> bool:
    """Whether htmx asks for a piece of a page."""
    return "HX-Request" in request.headers and "HX-Boosted" not in request.headers


def _as_read(refusal: Refusal) -> Refusal:
    """To somebody who reads pages, an address with a broken id in it is one where nothing is."""
    return NotFound() if isinstance(refusal, BadIdentifier) else refusal


class OutOfDate(NamedTuple):
    """A form that was opened in another session, as `account`. `is_anothers`: than the one that is here now.

    `typed`: what can be sent again; None when a password was among it. `has_page`: whether it can be changed before.
    """

    account: str
    is_anothers: bool
    typed: list[tuple[str, str]] | None
    has_page: bool


def _out_of_date(refusal: Refusal) -> OutOfDate | None:
    """What to do about a form without the proof of this session; None where nothing is known of it.

    Nothing that another site sent is ever offered to be sent again, and nothing without the account it was typed with.
    """
    account = request.form.get(ACCOUNT_FIELD) if refusal.code == "csrf_missing" else None
    origin = request.headers.get("Origin", "").partition("://")[2]
    if g.get("caller") is None or not account or origin != request.host:
        return None
    typed = None if any(name in request.form for name in SECRETS) else typed_fields()
    has_page = request.url_rule is not None and "GET" in (request.url_rule.methods or ())
    return OutOfDate(account, account != str(g.caller.person_id), typed, has_page)


def _came_from(refusal: Refusal) -> str | None:
    """The page of ours whose form was refused: to choose otherwise, or to load it again."""
    is_old = refusal.code == "csrf_missing"
    if refusal.status != 409 and not is_old:
        return None
    referrer = request.referrer or ""
    path = urlsplit(referrer).path if referrer.startswith(request.host_url) else None
    return path if is_old or path != request.path else None


def answer(refusal: Refusal) -> Response:
    """A page for a person, problem+json (RFC 9457) for a program and for a script that sends what was kept."""
    if not is_page() or is_kept_send():
        return problem(refusal)
    refusal = _as_read(refusal)
    out_of_date = _out_of_date(refusal)
    whole = "out_of_date.html" if out_of_date else "error.html"
    body = render_template(
        "error_fragment.html" if is_fragment() else whole,
        refusal=refusal,
        sentence=problem_title(refusal),
        request_id=g.get("request_id", ""),
        came_from=_came_from(refusal),
        out_of_date=out_of_date,
    )
    response = make_response(body, refusal.status)
    response.headers.update(refusal_headers(refusal))
    return response
