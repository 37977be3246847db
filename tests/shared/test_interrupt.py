from __future__ import annotations

import gc
import signal
import weakref
from typing import Any

import pytest

from shared.interrupt import kept_interrupts


class Thing:
    pass


def interrupt(_gone: Any = None) -> None:
    signal.raise_signal(signal.SIGINT)


def interrupted_in_a_callback(reached: list[str]) -> None:
    things = [Thing()]
    with kept_interrupts() as raise_if_interrupted:
        raise_if_interrupted()
        reference = weakref.ref(things[0], interrupt)
        things.clear()
        gc.collect()
        assert reference() is None
        reached.append("Python has dropped the KeyboardInterrupt, and goes on")
        raise_if_interrupted()
        reached.append("it went on for ever")


def interrupted_at_once() -> None:
    with kept_interrupts():
        interrupt()
        pytest.fail("it went on")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # it is what we ask Python for
def test_ctrl_c_in_the_callback_of_a_weak_reference_is_kept() -> None:
    before, reached = signal.getsignal(signal.SIGINT), list[str]()
    with pytest.raises(KeyboardInterrupt):
        interrupted_in_a_callback(reached)
    assert reached == ["Python has dropped the KeyboardInterrupt, and goes on"]
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_ends_the_block_at_once() -> None:
    with pytest.raises(KeyboardInterrupt):
        interrupted_at_once()
