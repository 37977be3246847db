"""Waiting for something to become true, with a deadline instead of a fixed sleep."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")
PAUSE = 0.02


def eventually(check: Callable[[], Found], seconds: float = 5.0, pause: float = PAUSE) -> Found:
    """The first truthy answer of `check`; an AssertionError or a missing key inside it counts as « not yet ».

    Raises AssertionError after `seconds`, with the last reason.
    """
    until = time.monotonic() + seconds
    while True:
        reason: object
        try:
            found = check()
            if found:
                return found
            reason = f"the answer is still {found!r}"
        except (AssertionError, LookupError) as error:
            reason = repr(error)
        if time.monotonic() > until:
            raise AssertionError(f"not within {seconds} s: {reason}")
        time.sleep(pause)
