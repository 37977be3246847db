"""What the programs of this project really offer: asked, not remembered."""

from __future__ import annotations

import functools
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from shared.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
SERVICES = ("identity", "challenges", "leagues", "ranking")
KNOWN_SETTINGS = {PREFIX + field.upper() for field in Settings.__struct_fields__}


@functools.cache
def roles_of(module: str) -> frozenset[str]:
    """The roles and commands that `python -m <module> --help` lists."""
    shown = subprocess.run(
        [sys.executable, "-m", module, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return frozenset(re.findall(r"^    ([a-z][a-z-]*)", shown, re.MULTILINE))


def unknown_settings(environment: Mapping[str, object]) -> set[str]:
    """The variables that read_settings would refuse."""
    return {name for name in environment if name.startswith(PREFIX)} - KNOWN_SETTINGS
