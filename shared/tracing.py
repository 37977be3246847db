"""Traces: from a request, through the outbox and Kafka, to the rows a consumer wrote. Off without MPP_TRACES_URL.

The event carries the `traceparent` (W3C) of the request that emitted it; what a consumer does with it continues the
same trace, in another process and perhaps much later.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import msgspec
from flask import Flask, g, request
from opentelemetry import context, trace
from opentelemetry.trace import SpanKind, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared.settings import Settings

MOST_SPANS = 200
"""Traced events of a batch that get a span of their own: a replay of a whole edition is not a trace anybody reads."""
_propagator = TraceContextTextMapPropagator()
_provider: Any = None


class Told(msgspec.Struct, frozen=True):
    """What of an envelope concerns its trace."""

    type: str
    traceparent: str | None = None


_told = msgspec.json.Decoder(Told)


def start_tracing(settings: Settings, service: str, role: str, exporter: Any = None) -> None:
    """Sends this process's spans to MPP_TRACES_URL (OTLP over HTTP), in the background; does nothing without one.

    Called after gunicorn's fork: the thread that sends does not survive one. The SDK is loaded here, by those who
    trace alone. `exporter`: where tests want the spans instead.
    """
    global _provider
    if exporter is None and not settings.traces_url:
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create({"service.name": f"mpp-{service}", "service.instance.role": role})
    _provider = TracerProvider(resource=resource)
    _provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter(endpoint=settings.traces_url)))


def stop_tracing() -> None:
    """Sends what is left, and traces no more."""
    global _provider
    if _provider is not None:
        _provider.shutdown()
        _provider = None


def _tracer() -> Tracer | None:
    return _provider.get_tracer("ma-petite-planete") if _provider is not None else None


def trace_requests(app: Flask, service: str) -> None:
    """A span per request, continuing the caller's trace; what the request emits belongs to it."""

    def begin() -> None:
        tracer = _tracer()
        if tracer is None:
            return
        parent = _propagator.extract(dict(request.headers.items(lower=True)))
        route = request.url_rule.rule if request.url_rule else "(none)"
        span = tracer.start_span(f"{request.method} {route}", context=parent, kind=SpanKind.SERVER)
        span.set_attributes({"http.request.method": request.method, "http.route": route, "mpp.service": service})
        g.span, g.span_token = span, context.attach(trace.set_span_in_context(span))

    def end(_error: BaseException | None) -> None:
        span = g.pop("span", None)
        if span is not None:
            context.detach(g.pop("span_token"))
            span.end()

    def note(response: Any) -> Any:
        span = g.get("span")
        if span is not None:
            span.set_attribute("http.response.status_code", response.status_code)
            if response.status_code >= 500:
                span.set_status(StatusCode.ERROR)
        return response

    app.before_request_funcs.setdefault(None, []).insert(0, begin)
    app.after_request(note)
    app.teardown_request(end)


def current_traceparent() -> str | None:
    """The W3C `traceparent` of the span we are in, for an event that is about to be emitted; None without tracing."""
    if _provider is None:
        return None
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier.get("traceparent")


@contextlib.contextmanager
def handling(service: str, batch: Sequence[bytes]) -> Iterator[None]:
    """Around a batch of envelopes: a span for the batch, and in each event's own trace one for what became of it."""
    tracer = _tracer()
    if tracer is None:
        yield
        return
    began = time.time_ns()
    with tracer.start_as_current_span(f"{service} handles a batch", kind=SpanKind.CONSUMER) as span:
        span.set_attribute("messaging.batch.message_count", len(batch))
        yield
    for told in islice(_traced(batch), MOST_SPANS):
        parent = _propagator.extract({"traceparent": told.traceparent or ""})
        span = tracer.start_span(f"{service} {told.type}", context=parent, kind=SpanKind.CONSUMER, start_time=began)
        span.set_attribute("mpp.service", service)
        span.end()


def _traced(batch: Sequence[bytes]) -> Iterator[Told]:
    """Those that belong to a trace. One that is broken is parked, and belongs to none."""
    for envelope in batch:
        with contextlib.suppress(msgspec.MsgspecError):
            told = _told.decode(envelope)
            if told.traceparent is not None:
                yield told


@contextlib.contextmanager
def publishing(service: str, events: int) -> Iterator[None]:
    """Around a batch that a relay publishes."""
    tracer = _tracer()
    if tracer is None:
        yield
        return
    with tracer.start_as_current_span(f"{service} publishes", kind=SpanKind.PRODUCER) as span:
        span.set_attribute("messaging.batch.message_count", events)
        yield
