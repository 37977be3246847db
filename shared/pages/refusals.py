"""A refusal as a person reads it: what happened, and what to do next."""

from __future__ import annotations

import hmac
from typing import NamedTuple

from flask import Response, g, make_response, render_template, request

from shared.errors import NotFound, Refusal
from shared.i18n import translate
from shared.pages.moves import (
    ACCOUNT_FIELD,
    CSRF_COOKIE,
    CSRF_FIELD,
    DRAFT,
    SECRETS,
    has_page,
    is_kept_send,
    is_ours,
    page_before,
    sent_form,
    typed_fields,
)
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

    `account`: empty of somebody who was not signed in yet. `typed`: what can be sent again; None when a password was
    among it, or nobody's. `has_page`: whether it can be changed before.
    """

    account: str
    is_anothers: bool
    typed: list[tuple[str, str]] | None
    has_page: bool


def _out_of_date(refusal: Refusal) -> OutOfDate | None:
    """What to do about a form without the proof of this session; None where nothing is known of it.

    Nothing that another site sent is ever offered to be sent again, and nothing without the account it was typed with.
    """
    if refusal.code != "csrf_missing" or g.get("caller") is None or request.method != "POST" or not is_ours():
        return None
    account = sent_form().get(ACCOUNT_FIELD, "")
    typed = typed_fields() if account and not _has_secret() else None
    return OutOfDate(account, account not in ("", str(g.caller.person_id)), typed, has_page())


class Stopped(NamedTuple):
    """A form of ours that was refused with a page that does not show it again.

    `typed`: what somebody had typed; `again`: all the fields to send once more; None where that would not help, or
    without a password that nobody keeps.
    """

    typed: list[tuple[str, str]]
    again: list[tuple[str, str]] | None


def _stopped(refusal: Refusal) -> Stopped | None:
    """What is left of a form; None where it was none of ours, for nothing that another site sent is ever shown."""
    if request.method != "POST" or not is_ours():
        return None
    typed, form = typed_fields(), sent_form()
    if not _may_go_well_later(refusal) or _has_secret() or not _is_proven():
        return Stopped(typed, None)
    proof = [(name, form[name]) for name in (CSRF_FIELD, ACCOUNT_FIELD, DRAFT) if name in form]
    return Stopped(typed, typed + proof)


def _may_go_well_later(refusal: Refusal) -> bool:
    return refusal.status >= 500 or refusal.status == 429


def _has_secret() -> bool:
    return any(name in sent_form() for name in SECRETS)


def _is_proven() -> bool:
    """Whether the form has the proof of this very session; a visitor's needs none."""
    reader = g.get("caller")
    proof = reader.csrf if reader is not None else request.cookies.get(CSRF_COOKIE, "")
    return hmac.compare_digest(sent_form().get(CSRF_FIELD, "").encode(), proof.encode())


def _came_from(refusal: Refusal) -> str | None:
    """The page of ours whose form was refused: to choose otherwise, or to load it again."""
    is_old = refusal.code == "csrf_missing"
    is_again = request.method == "POST" and _may_go_well_later(refusal)
    if refusal.status != 409 and not is_old and not is_again:
        return None
    before = page_before()
    return before if before and (is_old or is_again or before != request.path) else None


def _sentence(refusal: Refusal) -> str:
    """What happened, to a person: who opened an address does not know of methods."""
    if refusal.code == "method_not_allowed" and request.method == "GET":
        return translate("There is no page at this address: it only takes what a form sends. Go back to the start.")
    if refusal.code in ("method_not_allowed", "not_found"):
        return translate("There is nothing at this address. Check it, or go back to the start.")
    return problem_title(refusal)


def answer(refusal: Refusal) -> Response:
    """A page for a person, problem+json (RFC 9457) for a program and for a script that sends what was kept."""
    if not is_page() or is_kept_send():
        return problem(refusal)
    refusal = _as_read(refusal)
    out_of_date, stopped, came_from = _out_of_date(refusal), _stopped(refusal), _came_from(refusal)
    is_sent_again = stopped is not None and stopped.again is not None
    whole = "out_of_date.html" if out_of_date else "error.html"
    body = render_template(
        "error_fragment.html" if is_fragment() else whole,
        refusal=refusal,
        sentence=_sentence(refusal),
        request_id=g.get("request_id", ""),
        came_from=came_from,
        out_of_date=out_of_date,
        stopped=stopped,
        is_sent_again=is_sent_again,
        is_opened_again=_may_go_well_later(refusal) and has_page() and not came_from and not is_sent_again,
    )
    response = make_response(body, refusal.status)
    response.headers.update(refusal_headers(refusal))
    return response
