"""build_app: one Flask application per service, with what every request needs around its view.

A request: caller from the token -> one session in the caller's tenant -> the view -> commit when the status is < 400,
rollback otherwise. Nobody else commits.
"""

from __future__ import annotations

import hmac
import re
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import structlog
from flask import Flask, Request, Response, current_app, g, request
from sqlalchemy.exc import OperationalError, TimeoutError
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from shared import health, pages, tracing
from shared.api import Api, Blueprint, new_api
from shared.auth import OPERATOR, Caller, access_of, check_access, read_token
from shared.database import Database, is_passing, new_id
from shared.errors import Forbidden, Invalid, NotFound, NotSignedIn, Refusal, message
from shared.pages import moves, refusals
from shared.problems import ServerError, Unavailable, refusal_of
from shared.settings import Settings
from shared.tenancy import PUBLIC, across_tenants, of_tenant

log = structlog.get_logger(__name__)
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
METHODS = SAFE_METHODS | {"POST", "PUT", "PATCH", "DELETE"}
ACCESS_COOKIE = "mpp_access"
CSRF_COOKIE = moves.CSRF_COOKIE
CSRF_HEADER = "X-CSRF-Token"
HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("X-Frame-Options", "DENY"),
    (
        "Content-Security-Policy",
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'",
    ),
)
VARIES = "Accept-Language, Authorization, Cookie"
TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


class CsrfMissing(Refusal):
    """A change asked with a cookie, by a page that could not read ours."""

    status = 403
    code = "csrf_missing"
    text = message("This form is out of date: load the page again, then send it once more.")


class RenewFirst(Exception):
    """The reader of a public page has a session whose short token has ended: it is renewed before they are answered."""


class UnknownQuery(Invalid):
    """A query parameter that the operation does not know."""

    code = "unknown_parameter"
    text = message("This address does not know the parameter “{name}”: check its spelling on the API page.")


def current_session() -> Session:
    """The session of the request being answered."""
    session: Session = g.session
    return session


def current_caller() -> Caller:
    """The caller of the request being answered; only in views that are not public."""
    caller: Caller | None = g.caller
    if caller is None:
        raise NotSignedIn
    return caller


class App(Flask):
    """Flask, without coroutines: it would ask each of the ten layers of a view whether it is one."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function itself."""
        return func


def build_app(
    service: str,
    settings: Settings,
    database: Database,
    blueprints: Sequence[Any],
    *,
    import_name: str,
    newest_shown: Callable[[Session], datetime | None] | None = None,
) -> Flask:
    """The application of a service: its blueprints, health, metrics, OpenAPI and its browsable page.

    `newest_shown`: the moment of the newest event its pages contain, for a service whose freshness is watched.
    """
    app = App(import_name, static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=settings.max_body_bytes, PROPAGATE_EXCEPTIONS=False, SERVICE=service)
    app.extensions["mpp"] = {"settings": settings, "database": database}
    if settings.public_url:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
    api = new_api(app, service)
    metrics = health.RequestMetrics(service)
    app.before_request(_open)
    app.after_request(_close)
    app.teardown_request(_forget)
    tracing.trace_requests(app, service)
    app.register_error_handler(Refusal, _refuse)
    app.register_error_handler(RenewFirst, lambda _error: moves.to_continue(is_guest=True))
    app.register_error_handler(OperationalError, _unavailable)
    app.register_error_handler(TimeoutError, _unavailable)
    app.register_error_handler(Exception, _server_error)
    for blueprint in blueprints:
        if isinstance(blueprint, Blueprint):
            api.register_blueprint(blueprint)
        else:
            app.register_blueprint(blueprint)
    pages.register(app, service, has_gateway=not settings.is_embedded)
    from shared.pages.operating import operating_blueprint  # it needs the session that this module opens

    app.register_blueprint(operating_blueprint(service, database))
    app.register_blueprint(health.health_blueprint(service, database, metrics, newest_shown))
    app.extensions["mpp"]["metrics"] = metrics
    app.extensions["mpp"]["query"] = _documented_queries(api, app)
    return app


def _documented_queries(api: Api, app: Flask) -> dict[tuple[str, str], frozenset[str]]:
    """(rule, method) -> the query parameters the OpenAPI text names; any other is refused."""
    known = {}
    for path, operations in api.spec.to_dict()["paths"].items():
        for method, operation in operations.items():
            if method != "parameters":
                names = {item["name"] for item in operation.get("parameters", []) if item.get("in") == "query"}
                known[(path, method.upper())] = frozenset(names | {"lang"})
    return {
        (rule.rule, method): known[key]
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
        if (key := (re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule), method)) in known
    }


def _open() -> None:
    here: Any = g._get_current_object()  # one look, where ten would follow
    asked: Request = request._get_current_object()  # type: ignore[attr-defined]
    here.started = time.perf_counter()
    here.caller = None
    here.session = None
    extension = _extension()
    settings: Settings = extension["settings"]
    here.max_body_bytes = settings.max_body_bytes
    here.request_id = _header_id("X-Request-ID")
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=here.request_id)
    if asked.url_rule is None or asked.routing_exception is not None:
        if asked.method == "GET" and refusals.is_page():  # the page that says so is in its reader's frame
            here.session = extension["database"].session(PUBLIC, read_only=True)
            _sign_in(here.session, is_required=False)
        return
    view = _view()
    access = access_of(view)
    if access is None:
        raise Forbidden  # a route that nobody marked is open to nobody
    if getattr(view, "_needs_no_session", False):
        return
    _check_query(extension["query"])
    session: Session = extension["database"].session(PUBLIC, read_only=asked.method in SAFE_METHODS)
    here.session = session
    session.info["traceparent"] = tracing.current_traceparent() or _traceparent()
    _sign_in(session, is_required=bool(access))
    if here.caller is None and refusals.is_page():
        _receive_visitor()
    if access and not current_caller().has_role(*access):
        raise Forbidden
    if (
        asked.method == "POST"
        and "GET" not in (asked.url_rule.methods or ())
        and refusals.is_page()
        and moves.DRAFT in asked.form
    ):
        raise NotFound  # a form without a page of its own: there is nothing to change before it is sent
    if access == (OPERATOR,) and getattr(view, "_acts_across_tenants", False):
        session.info["scope"] = across_tenants()


def _sign_in(session: Session, *, is_required: bool) -> None:
    """Finds the caller and moves the session into their tenant: the one place that does so for a request."""
    try:
        token, from_cookie = _token()
        signed = read_token(session, token)
        caller = signed.caller
        session.info["scope"] = of_tenant(caller.tenant_id)  # the transaction has not begun: it begins there
        check_access(session, signed)
    except Refusal:
        session.info["scope"] = PUBLIC
        if is_required:
            raise
        return  # a public page stays public for somebody whose session has ended
    g.caller = caller  # a form that is out of date is refused on a page of theirs
    if from_cookie and request.method not in SAFE_METHODS:
        _check_csrf(caller)
    session.info["actor_id"] = caller.person_id
    structlog.contextvars.bind_contextvars(tenant_id=str(caller.tenant_id), person_id=str(caller.person_id))


def _receive_visitor() -> None:
    """A page that needs nobody: whose session can be renewed is not a visitor, and no other site's form is taken."""
    if request.method not in SAFE_METHODS and not is_own_origin():
        raise CsrfMissing
    if request.method == "GET" and CSRF_COOKIE in request.cookies and request.path != moves.CONTINUE:
        raise RenewFirst


def _token() -> tuple[str, bool]:
    """The access token sent, and whether it came as a cookie. Raises NotSignedIn when there is none."""
    header = request.headers.get("Authorization", "")
    scheme, _, token = header.partition(" ")
    if not header:
        token = request.cookies.get(ACCESS_COOKIE, "")
    elif scheme.lower() != "bearer":
        raise NotSignedIn
    if not token.strip():
        raise NotSignedIn
    return token.strip(), not header


def is_own_origin() -> bool:
    """Whether the request comes from a page of ours, or from no page at all."""
    origin = request.headers.get("Origin")
    return origin is None or origin.partition("://")[2] == request.host


def _check_csrf(caller: Caller) -> None:
    """A browser sends cookies by itself: the page must prove that it could read ours, and come from our origin."""
    sent = request.headers.get(CSRF_HEADER, "") or (request.form.get("csrf_token", "") if not request.is_json else "")
    if not is_own_origin() or not hmac.compare_digest(sent.encode(), caller.csrf.encode()):
        raise CsrfMissing


def _check_query(documented: dict[tuple[str, str], frozenset[str]]) -> None:
    known = documented.get((request.url_rule.rule, request.method)) if request.url_rule else None
    if known is not None and request.query_string:
        for name in request.args:
            if name not in known:
                raise UnknownQuery(name=name, fields={name: [message("Unknown parameter.")]})


def _close(response: Response) -> Response:
    here: Any = g._get_current_object()
    session: Session | None = here.get("session")
    if session is not None:
        if response.status_code < 400 or here.get("keeps_changes"):
            try:
                session.commit()
            except OperationalError as error:
                response = _unavailable(error)
            except Exception as error:
                response = _server_error(error)
        else:
            session.rollback()
    headers = response.headers
    headers["X-Request-ID"] = here.get("request_id", "")
    for name, value in HEADERS:
        headers.setdefault(name, value)
    headers.setdefault("Cache-Control", "no-store" if here.get("caller") else "no-cache")
    if not here.get("is_for_everybody"):
        known = headers.get("Vary")
        headers["Vary"] = f"{known}, {VARIES}" if known else VARIES
    _observe(response, time.perf_counter() - here.get("started", time.perf_counter()), session)
    return response


def _observe(response: Response, seconds: float, session: Session | None) -> None:
    asked: Request = request._get_current_object()  # type: ignore[attr-defined]
    route = asked.url_rule.rule if asked.url_rule else "(none)"
    method = asked.method if asked.method in METHODS else "(other)"  # every new label costs memory for good
    _extension()["metrics"].observe(method, route, response.status_code, seconds)
    log.info(
        "request",
        event_ids=session.info.get("emitted", [])[:20] if session is not None else [],
        method=asked.method,
        route=route,
        status=response.status_code,
        milliseconds=round(seconds * 1000, 1),
    )


def _forget(_error: BaseException | None) -> None:
    session: Session | None = g.get("session")
    if session is not None:
        session.close()


def _refuse(refusal: Refusal) -> Response:
    g.keeps_changes = refusal.keeps_changes
    if isinstance(refusal, NotSignedIn) and refusals.is_page():
        return moves.to_continue()
    return refusals.answer(refusal)


def _unavailable(error: BaseException) -> Response:
    log.error("database_unavailable", error=str(error)[:500])
    return refusals.answer(Unavailable())


def _server_error(error: BaseException) -> Response:
    if isinstance(error, HTTPException):
        return refusals.answer(refusal_of(error))
    if is_passing(error):
        return _unavailable(error)
    log.error("request_failed", exc_info=error)
    return refusals.answer(ServerError())


def _extension() -> dict[str, Any]:
    extension: dict[str, Any] = current_app.extensions["mpp"]
    return extension


def _view() -> Callable[..., Any]:
    return current_app.view_functions[request.endpoint or ""]


def _header_id(name: str) -> str:
    given = request.headers.get(name, "")
    return given if given and re.fullmatch(r"[\w.-]{1,64}", given) else str(new_id())


def _traceparent() -> str | None:
    given = request.headers.get("traceparent", "")
    return given if given and TRACEPARENT.fullmatch(given) else None
