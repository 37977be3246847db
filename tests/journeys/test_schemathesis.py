"""Schemathesis over the four OpenAPI documents: what they promise is what is answered, whatever is sent."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.meta import ComponentInfo
from schemathesis.openapi import checks as _registered  # noqa: F401 (importing it makes the checks known)
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.house import token_of
from tests.journeys.scene import Scene, set_scene

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
"""Left out: `positive_data_acceptance`, because most requests that fit the schema are rightly refused by the state of
things (the edition is over, the code is nobody's); `ignored_auth`, `use_after_free`, `ensure_resource_availability`
and `unsupported_method`, which tests/rules holds more exactly by its own walk. `negative_data_rejection` is for bodies:
in an address what is wrong may vanish on its way (an empty list), and the token that was left out is put back by us."""
SERVICES = ("identity", "challenges", "leagues", "ranking")
ROLES = [(service, role) for service in SERVICES for role in ("administrator", "player")]
ROLES += [("identity", "operator"), ("leagues", "operator")]
GOOD = ComponentInfo(mode=GenerationMode.POSITIVE)
EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "8"))
schemathesis.openapi.format(
    "date-time-local",
    st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)).map(datetime.isoformat),  # noqa: DTZ001
)


@pytest.fixture(scope="module")
def scene(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    set_up = set_scene(template, tmp_path_factory.mktemp("schemathesis"))
    yield set_up
    set_up.house.close()


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["good", "bad"])
@pytest.mark.parametrize(("service", "role"), ROLES)
def test_the_answers_are_those_documented(scene: Scene, service: str, role: str, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_wsgi(f"/{service}/api/v1/openapi.json", scene.house.apps[service])
    problems: list[str] = []
    tried = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        try:
            explore(scene, operation, role, mode)
            tried += 1
        except Unsatisfiable:
            assert mode is GenerationMode.NEGATIVE, operation.label  # it takes nothing that could be wrong
        except Exception as error:
            problems.append(f"{operation.label}: {error}")
    assert not problems, "\n\n".join(problems)
    assert tried > 3


def explore(scene: Scene, operation: Any, role: str, mode: GenerationMode) -> None:
    headers = {"Authorization": f"Bearer {token_of(scene.caller(role))}"}

    @given(
        case=operation.as_strategy(generation_mode=mode),
        knows_ids=st.booleans(),
        if_match=st.sampled_from(['"0"', "*", ""]),
    )
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    def answers_as_documented(case: Any, knows_ids: bool, if_match: str) -> None:
        if knows_ids and mode is GenerationMode.POSITIVE:
            for name in case.path_parameters:
                case.path_parameters[name] = scene.ids[name]
        sent = headers | ({"If-Match": if_match} if if_match else {})
        response = case.call(headers=sent)
        has_bad_body = case.meta.components.get(ParameterLocation.BODY, GOOD).mode is GenerationMode.NEGATIVE
        case.validate_response(response, checks=[*CHECKS, *([negative_data_rejection] if has_bad_body else [])])

    answers_as_documented()
