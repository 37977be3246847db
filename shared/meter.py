"""What relay and consumer tell of their work; nobody listens unless a worker hands in its `WorkerMetrics`."""

from __future__ import annotations


class Meter:
    """Counts nothing."""

    def published(self, events: int) -> None:
        """Events were published."""

    def handled(self, events: int, seconds: float, delay: float) -> None:
        """A batch was handled in `seconds`; `delay`: from the emission of its newest event until now."""

    def parked(self) -> None:
        """An event became a dead letter."""
