"""docker-compose.yml as Docker Compose reads it: merged, and with the variables of an environment filled in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
VARIABLE = re.compile(r"\$\$|\$\{(?P<name>[A-Z_]+)(?:(?P<kind>:-|-|:\?|\?)(?P<rest>[^}]*))?\}")


class MissingVariable(Exception):
    """A variable that the file requires and the environment lacks; the text is the file's own message."""


def read(environment: Mapping[str, str]) -> dict[str, Any]:
    """The whole file with its variables filled in."""
    filled: dict[str, Any] = fill(raw(), environment)
    return filled


def raw() -> dict[str, Any]:
    """The whole file as it is written."""
    content: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return content


def fill(value: Any, environment: Mapping[str, str]) -> Any:
    """Every `${NAME}`, `${NAME:-default}`, `${NAME-default}`, `${NAME:?message}` below `value`, filled in."""
    if isinstance(value, dict):
        return {key: fill(item, environment) for key, item in value.items()}
    if isinstance(value, list):
        return [fill(item, environment) for item in value]
    if isinstance(value, str):
        return VARIABLE.sub(lambda found: _value(found, environment), value)
    return value


def _value(found: re.Match[str], environment: Mapping[str, str]) -> str:
    if found[0] == "$$":
        return "$"
    name, kind, rest = found["name"], found["kind"] or "-", found["rest"] or ""
    given = environment.get(name)
    if given or (given is not None and not kind.startswith(":")):
        return given
    if kind.endswith("?"):
        raise MissingVariable(f"{name}: {rest}")
    return rest


def variables(value: Any) -> Iterator[re.Match[str]]:
    """Every variable below `value`."""
    if isinstance(value, dict):
        for item in value.values():
            yield from variables(item)
    elif isinstance(value, list):
        for item in value:
            yield from variables(item)
    elif isinstance(value, str):
        yield from (found for found in VARIABLE.finditer(value) if found["name"])


def read_env_file(file: Path) -> dict[str, str]:
    """The variables of a .env file: a name, `=`, a value that may be in quotes."""
    lines = (line.strip() for line in file.read_text(encoding="utf-8").splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value.strip('"') for name, _, value in pairs}
