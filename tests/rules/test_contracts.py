"""A published event only grows: consumers that run already, and events that were stored, stay readable.

After adding a field or an event: `.venv/bin/python -m tests.rules.test_contracts` writes contracts.json again.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from shared.contracts import EVENTS

PUBLISHED = Path(__file__).with_name("contracts.json")


def shape(kind: type[Any]) -> dict[str, Any]:
    return {
        field.name: {"type": str(field.type).replace("<class '", "").replace("'>", ""), "is_required": field.required}
        for field in msgspec.structs.fields(kind)
    }


def today() -> dict[str, Any]:
    events = {name: {"source": kind.source, "key": kind.key, "fields": shape(kind)} for name, kind in EVENTS.items()}
    return dict(sorted(events.items()))


def test_what_was_published_is_still_there() -> None:
    for name, published in json.loads(PUBLISHED.read_text()).items():
        assert name in EVENTS, f"{name} was removed: consumers wait for it"
        now = today()[name]
        assert (now["source"], now["key"]) == (published["source"], published["key"]), name
        for field, facts in published["fields"].items():
            assert now["fields"].get(field, {}).get("type") == facts["type"], f"{name}.{field} was removed or retyped"


def test_a_new_field_has_a_default() -> None:
    for name, published in json.loads(PUBLISHED.read_text()).items():
        for field, facts in today()[name]["fields"].items():
            is_new = field not in published["fields"]
            assert not (is_new and facts["is_required"]), f"{name}.{field} is missing in the events already stored"


def test_contracts_json_says_what_is_published() -> None:
    assert json.loads(PUBLISHED.read_text()) == today(), "run: .venv/bin/python -m tests.rules.test_contracts"


if __name__ == "__main__":
    PUBLISHED.write_text(json.dumps(today(), indent=1) + "\n")
