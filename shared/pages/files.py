"""Tables that a reader takes along into a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from flask import Response, send_file

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula, and not of a name (game.md, trap 10)."""


def csv_file(name: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """A table as a file of that name: UTF-8 with its mark, and semicolons, which spreadsheets read as it is."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";")
    writer.writerow(head)
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    content = io.BytesIO(text.getvalue().encode("utf-8-sig"))
    return send_file(content, "text/csv; charset=utf-8", as_attachment=True, download_name=name)


def _harmless(cell: object) -> object:
    """A text that would be run as a formula, with an apostrophe before it; numbers as they are."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
