"""A refusal as a person reads it: what happened, and what to do next."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Response, g, make_response, render_template, request

from shared.errors import NotFound, Refusal
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


def _came_from() -> str | None:
    """The page of ours whose form was refused."""
    parts = urlsplit(request.referrer or "")
    return parts.path if parts.netloc == request.host and parts.path != request.path else None


def answer(refusal: Refusal) -> Response:
    """A page for a person, problem+json (RFC 9457) for a program."""
    if not is_page():
        return problem(refusal)
    refusal = _as_read(refusal)
    template = "error_fragment.html" if is_fragment() else "error.html"
    body = render_template(
        template,
        refusal=refusal,
        sentence=problem_title(refusal),
        request_id=g.get("request_id", ""),
        came_from=_came_from() if refusal.status == 409 else None,
    )
    response = make_response(body, refusal.status)
    response.headers.update(refusal_headers(refusal))
    return response
