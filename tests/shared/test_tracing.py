from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared import tracing
from shared.settings import Settings
from tests.builders import add_players, create_edition, create_league, publish_challenge, record, teacher_of
from tests.house import House, caller_of

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = f"00-{TRACE}-b7ad6b7169203331-01"


@pytest.fixture
def spans() -> Iterator[Callable[[], list[ReadableSpan]]]:
    """What was traced so far."""
    exporter = InMemorySpanExporter()
    tracing.start_tracing(Settings(), "tests", "web", exporter)

    def finished() -> list[ReadableSpan]:
        tracing._provider.force_flush()
        return list(exporter.get_finished_spans())

    yield finished
    tracing.stop_tracing()


def named(spans: list[ReadableSpan], name: str) -> list[ReadableSpan]:
    return [span for span in spans if span.name == name]


def test_one_trace_goes_from_the_request_to_the_board(house: House, spans: Callable[[], list[ReadableSpan]]) -> None:
    teacher = teacher_of(house)
    client = house.client("leagues", teacher)
    challenge = publish_challenge(house)
    league = create_league(client, create_edition(client))
    player = add_players(client, league)[0]
    client.environ_base["HTTP_TRACEPARENT"] = CALLER
    assert record(client, league, challenge, player_id=player["player_id"]).status_code == 201
    house.settle()
    [asked] = named(spans(), "PUT /leagues/api/v1/completions/<id:completion_id>")
    [applied] = named(spans(), "ranking CompletionRecorded")
    assert asked.context is not None
    assert applied.context is not None
    assert applied.parent is not None
    assert f"{asked.context.trace_id:032x}" == f"{applied.context.trace_id:032x}" == TRACE
    assert applied.parent.span_id == asked.context.span_id
    assert asked.attributes is not None
    assert asked.attributes["http.response.status_code"] == 201
    assert named(spans(), "leagues publishes")
    assert named(spans(), "ranking handles a batch")


def test_a_request_of_somebody_who_traces_nothing_begins_a_trace(
    house: House, spans: Callable[[], list[ReadableSpan]]
) -> None:
    house.client("leagues", caller_of()).get("/leagues/api/v1/leagues", headers={"traceparent": "nonsense"})
    [asked] = named(spans(), "GET /leagues/api/v1/leagues")
    assert asked.parent is None


def test_without_an_address_nothing_is_traced_and_the_callers_trace_is_kept(house: House) -> None:
    tracing.start_tracing(Settings(), "tests", "web")
    assert tracing._provider is None
    client = house.client("leagues", teacher_of(house))
    client.environ_base["HTTP_TRACEPARENT"] = CALLER
    create_edition(client)
    assert tracing.current_traceparent() is None


def test_events_without_a_trace_do_not_crowd_out_one_that_has_one(spans: Callable[[], list[ReadableSpan]]) -> None:
    silent = [b'{"type": "ChallengePublished", "traceparent": null}', b"no event"] * tracing.MOST_SPANS
    traced = f'{{"type": "CompletionRecorded", "traceparent": "{CALLER}"}}'.encode()
    with tracing.handling("ranking", [*silent, *[traced] * (tracing.MOST_SPANS + 1)]):
        pass
    assert len(named(spans(), "ranking CompletionRecorded")) == tracing.MOST_SPANS
    assert not named(spans(), "ranking ChallengePublished")
