"""What an operator and a load balancer ask: alive, ready, and the numbers (Prometheus)."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from flask import Blueprint, Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from shared.auth import public_without_session
from shared.clock import utc_now
from shared.consumer import DeadLetter
from shared.database import Database
from shared.migrations import pending_migrations
from shared.outbox import pending
from shared.tenancy import across_tenants

BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0)
_checks: dict[str, Callable[[], list[str]]] = {}


def watch(service: str, check: Callable[[], list[str]]) -> None:
    """Adds what must also be well for `service` to be ready: `check` returns a sentence per thing that is not."""
    _checks[service] = check


def unwatch(service: str) -> None:
    """Forgets the check of a service."""
    _checks.pop(service, None)


class RequestMetrics:
    """The metrics of one service's web role, in a registry of its own."""

    def __init__(self, service: str) -> None:
        self.registry = CollectorRegistry()
        labels = ["method", "route", "status"]
        self._requests = Counter("mpp_requests", "Requests answered", labels, registry=self.registry)
        self._seconds = Histogram(
            "mpp_request_seconds", "Time to answer", ["method", "route"], buckets=BUCKETS, registry=self.registry
        )
        self.outbox_depth = Gauge("mpp_outbox_depth", "Events waiting to be published", registry=self.registry)
        self.outbox_age = Gauge("mpp_outbox_age_seconds", "Age of the oldest waiting event", registry=self.registry)
        self.dead_letters = Gauge("mpp_dead_letters", "Events that could not be handled", registry=self.registry)

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Counts one request."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)


def health_blueprint(service: str, database: Database, metrics: RequestMetrics) -> Blueprint:
    """`/<service>/health/live`, `/<service>/health/ready`, `/<service>/metrics`."""
    blueprint = Blueprint("health", __name__, url_prefix=f"/{service}")

    @blueprint.get("/health/live")
    @public_without_session
    def live() -> Response:
        return jsonify(status="alive", service=service)

    @blueprint.get("/health/ready")
    @public_without_session
    def ready() -> Response:
        problems = what_is_not_ready(service, database)
        response = jsonify(status="not ready" if problems else "ready", service=service, problems=problems)
        response.status_code = 503 if problems else 200
        return response

    @blueprint.get("/metrics")
    @public_without_session
    def show_metrics() -> Response:
        with database.transaction(across_tenants(), read_only=True) as session:
            depth, oldest = pending(session)
            metrics.dead_letters.set(session.scalar(sa.select(sa.func.count()).select_from(DeadLetter)) or 0)
        metrics.outbox_depth.set(depth)
        metrics.outbox_age.set((utc_now() - oldest).total_seconds() if oldest else 0)
        return Response(generate_latest(metrics.registry), content_type=CONTENT_TYPE_LATEST)

    return blueprint


def what_is_not_ready(service: str, database: Database) -> list[str]:
    """A sentence per thing that keeps the service from working; empty when all is well."""
    try:
        missing = pending_migrations(service, database)
    except Exception as error:
        return [f"The database of {service} cannot be reached: {type(error).__name__}."]
    problems = []
    if missing:
        problems.append(f"The database of {service} is not migrated: run `python -m services.{service} migrate`.")
    if service in _checks:
        problems += _checks[service]()
    return problems
