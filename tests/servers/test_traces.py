"""One trace through real processes: the request in web, the relay and Kafka, the batch in ranking's worker."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.journeys.people import challenge_for, found
from tests.journeys.waiting import eventually
from tests.servers.groups import traceparents_of_newest
from tests.servers.stack import Stack

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = f"00-{TRACE}-b7ad6b7169203331-01"


class Span(NamedTuple):
    """A span as a collector receives it."""

    service: str
    name: str
    trace_id: str


class Collector(ThreadingHTTPServer):
    """Receives spans as an OpenTelemetry collector does (OTLP over HTTP)."""

    daemon_threads = True

    def __init__(self) -> None:
        self.spans: list[Span] = []
        super().__init__(("127.0.0.1", 0), Receive)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1/traces"


class Receive(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        told = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["Content-Length"])))
        for resource in told.resource_spans:
            names = {one.key: one.value.string_value for one in resource.resource.attributes}
            for scope in resource.scope_spans:
                self.server.spans += [
                    Span(names["service.name"], span.name, span.trace_id.hex()) for span in scope.spans
                ]
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as collector:
        threading.Thread(target=collector.serve_forever, daemon=True).start()
        yield collector
        collector.shutdown()


@pytest.fixture
def traced(stack: Stack, collector: Collector) -> Iterator[Stack]:
    """The stack, with those who have a part in a completion telling the collector."""
    names = ("leagues-web", "leagues-worker", "ranking-worker")
    for name in names:
        stack.replace(name, MPP_TRACES_URL=collector.url)
    stack.wait_until_ready()
    yield stack
    for name in names:
        stack.replace(name)


def test_one_trace_goes_from_the_request_through_kafka_to_the_board(traced: Stack, collector: Collector) -> None:
    head = found(traced.url)
    league = head.create_league(head.open_edition())
    (player,) = head.add_players(league, "Lynx")
    challenge = challenge_for(head, "school")
    head.http.headers["traceparent"] = CALLER
    head.record(league, challenge, player_id=player["player_id"])
    points = {player["player_id"]: challenge["points"]}
    head.sees(f"leagues/{league['league_id']}/players", points, seconds=60)  # the new worker joins its group first
    wanted = {
        ("mpp-leagues", "PUT /leagues/api/v1/completions/<id:completion_id>"),
        ("mpp-ranking", "ranking CompletionRecorded"),
    }

    def has_arrived() -> bool:
        mine = {(span.service, span.name) for span in collector.spans if span.trace_id == TRACE}
        assert wanted <= mine, mine
        return True

    eventually(has_arrived, 30, pause=0.2)
    assert ("mpp-leagues", "leagues publishes") in {(span.service, span.name) for span in collector.spans}
    assert CALLER[:35] in {header[:35] for header in traceparents_of_newest(traced.kafka, "leagues")}
