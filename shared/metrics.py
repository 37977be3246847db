"""The numbers of a worker and of a database, for Prometheus. Those of requests are in `shared/health.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

import sqlalchemy as sa
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.orm import Session

from shared.clock import utc_now
from shared.consumer import DeadLetter
from shared.database import Database, is_passing
from shared.jobs import Job
from shared.meter import Meter
from shared.outbox import pending
from shared.tenancy import across_tenants

SIZES = (1, 5, 20, 50, 100, 250, 500, 1000, 2500, 5000)
SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)


class WorkerMetrics(Meter):
    """The work of one worker. `lag` and the others are asked when Prometheus asks."""

    def __init__(
        self,
        service: str,
        *,
        is_relaying: Callable[[], bool],
        is_stopped: Callable[[], bool],
        lag: Callable[[], tuple[dict[str, int], float]],
    ) -> None:
        self.registry = CollectorRegistry()
        registry, labels = self.registry, ["service"]
        self._published = Counter("mpp_events_published", "Events published", labels, registry=registry).labels(service)
        self._handled = Counter("mpp_events_handled", "Events handled", labels, registry=registry).labels(service)
        self._parked = Counter("mpp_events_parked", "Events parked", labels, registry=registry).labels(service)
        self._events = Histogram(
            "mpp_batch_events", "Events of a batch", labels, buckets=SIZES, registry=registry
        ).labels(service)
        self._seconds = Histogram(
            "mpp_batch_seconds", "Time to handle a batch", labels, buckets=SECONDS, registry=registry
        ).labels(service)
        self._delay = Histogram(
            "mpp_event_delay_seconds",
            "From the emission of a batch's newest event until it is handled",
            labels,
            buckets=SECONDS,
            registry=registry,
        ).labels(service)
        relaying = Gauge("mpp_relay_active", "1 for the worker that publishes", labels, registry=registry)
        relaying.labels(service).set_function(lambda: float(is_relaying()))
        stopped = Gauge("mpp_consumer_stopped", "1 after too many dead letters in a row", labels, registry=registry)
        stopped.labels(service).set_function(lambda: float(is_stopped()))
        registry.register(_Lag(service, lag))

    def published(self, events: int) -> None:
        """Events were published."""
        self._published.inc(events)

    def handled(self, events: int, seconds: float, delay: float) -> None:
        """A batch was handled."""
        self._handled.inc(events)
        self._events.observe(events)
        self._seconds.observe(seconds)
        self._delay.observe(max(0.0, delay))

    def parked(self) -> None:
        """An event became a dead letter."""
        self._parked.inc()


class _Lag(Collector):
    """How far this worker is behind, in its own partitions."""

    def __init__(self, service: str, lag: Callable[[], tuple[dict[str, int], float]]) -> None:
        self.service = service
        self.lag = lag

    def collect(self) -> Iterable[Metric]:
        """One gauge by topic, one for the time."""
        waiting, seconds = self.lag()
        events = GaugeMetricFamily(
            "mpp_consumer_lag_events", "Events waiting in this worker's partitions", labels=["service", "topic"]
        )
        for topic, count in waiting.items():
            events.add_metric([self.service, topic], count)
        behind = GaugeMetricFamily("mpp_consumer_lag_seconds", "Age of what is handled now", labels=["service"])
        behind.add_metric([self.service], seconds)
        return [events, behind]


class DatabaseMetrics(Collector):
    """What a service's database says: what waits in it, and how its connections are used."""

    def __init__(
        self, service: str, database: Database, newest_shown: Callable[[Session], datetime | None] | None = None
    ) -> None:
        self.service = service
        self.database = database
        self.newest_shown = newest_shown

    def collect(self) -> Iterable[Metric]:
        """Asked anew at each scrape; a database that is away leaves only what needs no asking."""
        yield self._gauge("mpp_pool_size", "Connections this process may open", self.database.pool_size)
        used = GaugeMetricFamily("mpp_pool_connections", "Connections, by state", labels=["service", "state"])
        for state, count in self.database.connections().items():
            used.add_metric([self.service, state], count)
        yield used
        try:
            with self.database.transaction(across_tenants(), read_only=True) as session:
                depth, oldest = pending(session)
                letters = session.scalar(sa.select(sa.func.count()).select_from(DeadLetter)) or 0
                states = session.execute(sa.select(Job.state, sa.func.count()).group_by(Job.state)).all()
                newest = self.newest_shown(session) if self.newest_shown is not None else None
            skew = self.database.clock_skew()
        except Exception as error:
            if not is_passing(error):
                raise
            yield self._gauge("mpp_database_up", "1 when the database answers", 0)
            return
        yield self._gauge("mpp_database_up", "1 when the database answers", 1)
        now = utc_now()
        yield self._gauge("mpp_outbox_depth", "Events waiting to be published", depth)
        age = (now - oldest).total_seconds() if oldest else 0
        yield self._gauge("mpp_outbox_age_seconds", "Age of the oldest waiting event", age)
        yield self._gauge("mpp_dead_letters", "Events that could not be handled", letters)
        jobs = GaugeMetricFamily("mpp_jobs", "Background jobs, by state", labels=["service", "state"])
        for state, count in states:
            jobs.add_metric([self.service, state], count)
        yield jobs
        if newest is not None:
            shown = (now - newest).total_seconds()
            yield self._gauge("mpp_board_freshness_seconds", "Now minus the newest event the boards show", shown)
        yield self._gauge("mpp_clock_skew_seconds", "Our clock minus the database's", skew)

    def _gauge(self, name: str, text: str, value: float) -> GaugeMetricFamily:
        family = GaugeMetricFamily(name, text, labels=["service"])
        family.add_metric([self.service], value)
        return family
