"""A figure: what was measured, the limit it is held against, and the absolute numbers it was made of."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

NO_LIMIT = "reported"


@dataclass(frozen=True)
class Figure:
    """`value` is mostly a ratio to a ceiling of the same run; `detail` says from which figures. No limit: reported."""

    name: str
    value: float
    limit: float | None
    is_at_least: bool
    unit: str = "x"
    detail: dict[str, float | str] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether the limit is kept: « at least » includes the limit itself, « under » does not."""
        if self.limit is None:
            return True
        return self.value >= self.limit if self.is_at_least else self.value < self.limit

    @property
    def verdict(self) -> str:
        if self.limit is None:
            return NO_LIMIT
        return "holds" if self.holds else "MISSED"

    @property
    def target(self) -> str:
        """The limit, as the table shows it."""
        if self.limit is None:
            return ""
        return f"{'at least' if self.is_at_least else 'under'} {_short(self.limit)}"


def ratio(
    name: str, ours: float, ceiling: float, *, at_least: float | None = None, under: float | None = None, **detail: str
) -> Figure:
    """Ours as a share of the ceiling, both kept in the detail; of `at_least` and `under` one at most."""
    assert at_least is None or under is None, f"{name}: one limit"
    limit = at_least if under is None else under
    both: dict[str, float | str] = {"ours": round(ours, 3), "ceiling": round(ceiling, 3)}
    return Figure(name, ours / ceiling, limit, is_at_least=under is None, detail=both | detail)


def table(figures: Iterable[Figure]) -> str:
    """One line per figure."""
    return "\n".join(
        f"{figure.name:<14} {_short(figure.value):>9} {figure.unit:<9} {figure.target:<14} {figure.verdict:<9} "
        + ", ".join(f"{name} {_short(value)}" for name, value in figure.detail.items())
        for figure in figures
    )


def write_json(figures: Iterable[Figure], file: Path) -> None:
    """A list of objects, one per figure, with `holds`."""
    file.write_text(json.dumps([asdict(figure) | {"holds": figure.holds} for figure in figures], indent=2) + "\n")


def _short(value: float | str) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
