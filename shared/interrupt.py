"""Ctrl-C, not to be lost."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType


@contextlib.contextmanager
def kept_interrupts() -> Iterator[Callable[[], None]]:
    """Yields a function to call now and then in the block: it raises KeyboardInterrupt when Ctrl-C was pressed.

    Usually the KeyboardInterrupt has ended the block by then. But Python drops one that is raised while a weak
    reference's callback or a `__del__` happens to run, and SQLAlchemy has many of them. For the main thread.
    """
    came = False

    def hear(_number: int, _frame: FrameType | None) -> None:
        nonlocal came
        came = True
        raise KeyboardInterrupt

    def raise_if_came() -> None:
        if came:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, hear)
    try:
        yield raise_if_came
    finally:
        signal.signal(signal.SIGINT, before)
