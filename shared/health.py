"""What an operator and a load balancer ask: alive, ready, and the numbers (Prometheus)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

import sqlalchemy as sa
from flask import Blueprint, Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.orm import Session

from shared.auth import SigningKey, public_without_session
from shared.clock import utc_now
from shared.database import Database
from shared.dead_letters import count_dead_letters
from shared.metrics import DatabaseMetrics
from shared.migrations import pending_migrations
from shared.outbox import pending
from shared.tenancy import PUBLIC, across_tenants

BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0)
OLD_SECONDS = 10.0
"""An event that has waited longer says that nobody publishes."""
SKEW_SECONDS = 5.0
_checks: dict[str, Callable[[], list[str]]] = {}
_registries: dict[str, CollectorRegistry] = {}


def watch(service: str, check: Callable[[], list[str]], registry: CollectorRegistry | None = None) -> None:
    """Adds what must also be well for `service` to be ready, and its worker's numbers.

    `check` returns a sentence per thing that is not well.
    """
    _checks[service] = check
    if registry is not None:
        _registries[service] = registry


def unwatch(service: str) -> None:
    """Forgets the check and the numbers of a service's worker."""
    _checks.pop(service, None)
    _registries.pop(service, None)


class RequestMetrics:
    """The metrics of one service's web role, in a registry of its own."""

    def __init__(self, service: str) -> None:
        self.service = service
        self.registry = CollectorRegistry()
        labels = ["service", "method", "route"]
        self._requests = Counter("mpp_requests", "Requests answered", [*labels, "status"], registry=self.registry)
        self._seconds = Histogram(
            "mpp_request_seconds", "Time to answer", labels, buckets=BUCKETS, registry=self.registry
        )
        self._known: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Counts one request."""
        key = (method, route, status)
        if key not in self._known:
            labels = (self.service, method, route)
            self._known[key] = self._requests.labels(*labels, str(status)), self._seconds.labels(*labels)
        count, histogram = self._known[key]
        count.inc()
        histogram.observe(seconds)


def health_blueprint(
    service: str,
    database: Database,
    metrics: RequestMetrics | None = None,
    newest_shown: Callable[[Session], datetime | None] | None = None,
) -> Blueprint:
    """`/<service>/health/live`, `/<service>/health/ready`, `/<service>/metrics`, of a web role or of a worker.

    Ready (200) is what can do its work; `warnings` are for people. A web role goes on without Kafka: it answers, and
    its events wait. So that is a warning there, and a problem (503) of a worker.
    """
    blueprint = Blueprint("health", __name__, url_prefix=f"/{service}")
    of_database = CollectorRegistry()
    of_database.register(DatabaseMetrics(service, database, newest_shown))
    answers_people = metrics is not None

    def problems_now() -> list[str]:
        return what_is_not_ready(service, database, answers_people=answers_people)

    of_database.register(_Readiness(service, problems_now))

    @blueprint.get("/health/live")
    @public_without_session
    def live() -> Response:
        return jsonify(status="alive", service=service)

    @blueprint.get("/health/ready")
    @public_without_session
    def ready() -> Response:
        problems = problems_now()
        warnings = [] if problems else what_is_unwell(service, database)
        status = "not ready" if problems else "degraded" if warnings else "ready"
        response = jsonify(status=status, service=service, problems=problems, warnings=warnings)
        response.status_code = 503 if problems else 200
        return response

    @blueprint.get("/metrics")
    @public_without_session
    def show_metrics() -> Response:
        registries = [metrics.registry if metrics else None, _registries.get(service), of_database]
        text = b"".join(generate_latest(registry) for registry in registries if registry is not None)
        return Response(text, content_type=CONTENT_TYPE_LATEST)

    return blueprint


class _Readiness(Collector):
    """What the ready page says, as a number: an alert can see it without a request of its own."""

    def __init__(self, service: str, problems: Callable[[], list[str]]) -> None:
        self.service = service
        self.problems = problems

    def collect(self) -> Iterable[Metric]:
        """Asked anew at each scrape."""
        ready = GaugeMetricFamily("mpp_ready", "1 when health/ready has no problem to tell", labels=["service"])
        ready.add_metric([self.service], float(not self.problems()))
        return [ready]


def what_is_not_ready(service: str, database: Database, *, answers_people: bool = False) -> list[str]:
    """A sentence per thing that keeps the service from working; empty when all is well.

    Who `answers_people` must be able to verify their tokens: a new installation hears of the key soon after its start.
    """
    try:
        missing = pending_migrations(service, database)
        is_read_only = database.is_read_only()
        knows_nobody = answers_people and not missing and not _knows_a_key(database)
    except Exception as error:
        return [f"The database of {service} cannot be reached: {type(error).__name__}."]
    problems = []
    if missing:
        problems.append(f"The database of {service} is not migrated: run `python -m services.{service} migrate`.")
    if is_read_only:
        problems.append(f"The database of {service} is read-only: make it writable again, or name the primary.")
    if knows_nobody:
        problems.append(
            f"{service} has not heard yet of a key to verify tokens with: "
            f"are the workers of identity and {service} running?"
        )
    if service in _checks:
        problems += _checks[service]()
    return problems


def _knows_a_key(database: Database) -> bool:
    with database.transaction(PUBLIC, read_only=True) as session:
        return session.scalar(sa.select(SigningKey.key_id).limit(1)) is not None


def what_is_unwell(service: str, database: Database) -> list[str]:
    """A sentence per thing that somebody should look at although the service works."""
    with database.transaction(across_tenants(), read_only=True) as session:
        waiting, oldest = pending(session)
        letters = count_dead_letters(session)
    warnings = []
    age = (utc_now() - oldest).total_seconds() if oldest else 0.0
    if age > OLD_SECONDS:
        warnings.append(
            f"{waiting} events of {service} wait to be published, the oldest for {age:.0f} s: "
            "is its worker running, and Kafka?"
        )
    if letters:
        warnings.append(
            f"{letters} events could not be handled by {service}: see `python -m services.{service} dead-letters`."
        )
    skew = database.clock_skew()
    if abs(skew) > SKEW_SECONDS:
        side = "ahead of" if skew > 0 else "behind"
        warnings.append(f"This machine's clock is {abs(skew):.0f} s {side} its database's: set it by NTP.")
    return warnings
