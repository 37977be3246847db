"""What the README says can be done, is done."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.conftest import Life
from tests.journeys.process import ROOT, run

README = (ROOT / "README.md").read_text(encoding="utf-8")
CODE = "\n".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL) + re.findall(r"`([^`\n]+)`", README))
PATIENCE = "sleep() { command sleep 3; }; export -f sleep\n"
"""Its reader waits for a second; beside all the other tests on two cores that may be short."""


def section(title: str) -> str:
    """The shell lines of a section."""
    found = re.search(rf"^## {re.escape(title)}$.*?```sh\n(.*?)```", README, re.DOTALL | re.MULTILINE)
    assert found, f"README.md has no section “{title}” with a block of shell"
    return found[1]


def answers(text: str) -> list[Any]:
    """The JSON documents in a text, one behind the other."""
    decoder, found, at = json.JSONDecoder(), [], 0
    while at < len(text.rstrip()):
        if text[at].isspace():
            at += 1
            continue
        document, at = decoder.raw_decode(text, at)
        found.append(document)
    return found


@pytest.fixture
def tools() -> None:
    for tool, package in (("bash", "bash"), ("curl", "curl"), ("python3", "python3")):
        assert shutil.which(tool), f"this test needs {tool}: apt install {package}"


def test_the_main_path_can_be_played_with_curl(life: Life, tmp_path: Path, tools: None) -> None:
    script = tmp_path / "main_path.sh"
    script.write_text(section("Play the main path with curl"), encoding="utf-8")
    start = tmp_path / "patience.sh"
    start.write_text(PATIENCE, encoding="utf-8")
    done = subprocess.run(
        ["bash", "-eu", str(script)],
        env={**os.environ, "AT": life.url, "BASH_ENV": str(start)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    shown = answers(done.stdout)
    boards = {found["board"]: found for found in shown if isinstance(found, dict) and "board" in found}
    assert set(boards) == {"league_players", "league_teams", "edition_leagues"}
    first, again = (found for found in shown if isinstance(found, dict) and "recorded_at" in found)
    assert first == again, "sent again, it counts once"
    points = first["points"]
    assert points > 0
    by_player = {line["contender_id"]: line["points"] for line in boards["league_players"]["standings"]}
    assert by_player.pop(first["player_id"]) == points
    assert list(by_player.values()) == [0, 0]
    by_team = {line["contender_id"]: line["points"] for line in boards["league_teams"]["standings"]}
    assert by_team[first["team_id"]] == points
    assert [line["points"] for line in boards["edition_leagues"]["standings"]] == [points]
    [activity] = next(found for found in shown if isinstance(found, list))
    assert activity["completion_id"] == first["completion_id"]
    assert shown[-2] == 0, "after the withdrawal nobody has a point"
    assert set(shown[-1]) >= {"players", "leagues", "completions"}


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\bmake ([a-z-]+)", CODE))))
def test_every_make_command_exists(target: str) -> None:
    done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30).stdout
    assert re.search(rf"\bmake {target} ", listed), f"make help does not tell of {target}"


def commands() -> list[tuple[str, str, tuple[str, ...]]]:
    """(module, command, options) of every `python -m ...`; what stands for any service is tried with one of them."""
    found = set()
    for line in re.findall(r"python -m ([^\n`]+)", CODE.replace("<name>", "identity")):
        module, *words = line.split()
        command = words[0] if words and not words[0].startswith("-") else ""
        found.add((module, command, tuple(word for word in words if word.startswith("--"))))
    return sorted(found)


@pytest.mark.parametrize(("module", "command", "options"), commands(), ids=lambda value: str(value))
def test_every_python_command_exists(module: str, command: str, options: tuple[str, ...]) -> None:
    words = [command] if command else []
    text = run("-m", module, *words, "--help")
    missing = [option for option in options if option not in text]
    assert not missing, f"python -m {module} {command} does not know {missing}"


def test_the_walk_finds_commands() -> None:
    assert len(commands()) >= 4
    assert {"run", "test", "help"} <= set(re.findall(r"\bmake ([a-z-]+)", CODE))
    for path in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / path).exists(), f"README.md links to {path}, which is not there"
