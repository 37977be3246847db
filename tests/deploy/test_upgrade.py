"""deploy/upgrade.sh against a `docker` that writes down what it was told, since no Docker engine runs here."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.deploy.commands import ROOT, SERVICES

SCRIPT = ROOT / "deploy" / "upgrade.sh"
DOCKER = """#!/bin/sh
echo "$*" >>"$TOLD"
case "$*" in
    "compose ps --quiet ranking-worker") printf 'r1\\nr2\\nr3\\nr4\\n' ;;
    "compose ps --quiet leagues-web") printf 'l1\\nl2\\n' ;;
    "compose ps --quiet "*) echo "only-$4" ;;
    "$FAILS"*) exit 1 ;;
esac
"""


def upgrade(folder: Path, *, image: str = "ma-petite-planete:local", fails: str = "nothing") -> tuple[int, list[str]]:
    """The exit status, and what docker was told, in order."""
    deploy = folder / "deploy"
    deploy.mkdir()
    (deploy / "upgrade.sh").write_text(SCRIPT.read_text())
    (folder / ".env").write_text(f"IMAGE={image}\n")
    (folder / "docker").write_text(DOCKER)
    (folder / "docker").chmod(0o755)
    told = folder / "told"
    environment = {"PATH": f"{folder}:{os.environ['PATH']}", "TOLD": str(told), "FAILS": fails}
    done = subprocess.run(["sh", deploy / "upgrade.sh"], env=environment, capture_output=True, text=True, check=False)
    lines = told.read_text().splitlines()
    return done.returncode, [line for line in lines if "compose ps" not in line]


def test_the_order_is_migrations_workers_webs_gateway(tmp_path: Path) -> None:
    status, told = upgrade(tmp_path)
    assert status == 0
    kinds = ["build", "-migrate", "topics", "-worker", "-web", "gateway"]
    order = [
        next(index for index, kind in reversed(list(enumerate(kinds))) if kind in line)
        for line in told[1:]
        if line.startswith("compose")
    ]
    assert told[0] == "compose build topics gateway"
    assert order == sorted(order)
    for service in SERVICES:
        assert f"compose run --rm --no-deps {service}-migrate" in told


def test_an_old_web_leaves_only_when_as_many_new_ones_are_ready(tmp_path: Path) -> None:
    _, told = upgrade(tmp_path)
    doubled = "compose up --detach --no-deps --no-recreate --wait --scale leagues-web=4 leagues-web"
    back = "compose up --detach --no-deps --no-recreate --scale leagues-web=2 leagues-web"
    assert told.index(doubled) < told.index("stop l1 l2") < told.index("rm l1 l2") < told.index(back)


def test_as_many_workers_are_there_afterwards_as_before(tmp_path: Path) -> None:
    _, told = upgrade(tmp_path)
    assert "compose up --detach --no-deps --wait --scale ranking-worker=4 ranking-worker" in told
    assert "compose up --detach --no-deps --wait --scale leagues-worker=1 leagues-worker" in told


def test_an_image_of_a_registry_is_pulled_and_not_built(tmp_path: Path) -> None:
    _, told = upgrade(tmp_path, image="registry.example.org/ma-petite-planete:1.2.0")
    assert told[0] == "compose pull topics gateway"
    assert not [line for line in told if "build" in line]


@pytest.mark.parametrize("step", ["compose build", "compose run --rm --no-deps leagues-migrate"])
def test_nothing_is_replaced_when_a_step_before_it_fails(tmp_path: Path, step: str) -> None:
    status, told = upgrade(tmp_path, fails=step)
    assert status != 0
    assert told[-1].startswith(step)
    assert not [line for line in told if line.startswith("compose up")]


def test_a_web_that_does_not_become_ready_leaves_the_old_one_in_place(tmp_path: Path) -> None:
    status, told = upgrade(tmp_path, fails="compose up --detach --no-deps --no-recreate --wait")
    assert status != 0
    assert not [line for line in told if line.startswith("stop")]
