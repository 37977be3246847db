"""Crashes and faults under load, on the whole installation: nothing accepted is lost, nothing is counted twice."""

from __future__ import annotations

import pytest

from tests.journeys.history import Load
from tests.journeys.people import found
from tests.servers.faults import FAULTS
from tests.servers.proof import prove
from tests.servers.stack import Stack


@pytest.mark.parametrize("fault", FAULTS)
def test_every_accepted_completion_survives_when(stack: Stack, fault: str) -> None:
    with Load(found(stack.url)) as load:
        load.goes_on(20)
        FAULTS[fault](stack, load)
        stack.mend()
        load.goes_on(20)
    assert not [said for said in load.history.refusals if ": 4" in said[:12]]
    prove(stack, load)
