"""`python -m services.challenges load-catalogue`."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.challenges.__main__ import run
from tests.challenges.conftest import Files


@pytest.fixture
def migrated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPP_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("MPP_LOG_LEVEL", "ERROR")
    assert run(["migrate"]) == 0


def test_a_check_needs_no_database(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["load-catalogue", "--check"]) == 0
    assert "112 challenges in 9 categories" in capsys.readouterr().out


def test_a_check_names_what_is_wrong(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    files.change("food.yaml", "veggie-lunch", kind="solo")
    assert run(["load-catalogue", "--check", "--folder", str(files.folder)]) == 2
    assert "food.yaml, challenge veggie-lunch, field kind: Must be one of" in capsys.readouterr().err


@pytest.mark.usefixtures("migrated")
def test_loading_says_what_it_did(every_file: Files, capsys: pytest.CaptureFixture[str]) -> None:
    every_file.change("food.yaml", "veggie-lunch", points=3)
    every_file.remove("waste.yaml", "battery-hunt")
    assert run(["load-catalogue", "--folder", str(every_file.folder)]) == 0
    assert "0 published, 1 changed, 1 retired, 110 unchanged" in capsys.readouterr().out


@pytest.mark.usefixtures("migrated")
def test_loading_broken_files_changes_nothing(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    files.change("food.yaml", "veggie-lunch", kind=None)
    assert run(["load-catalogue", "--folder", str(files.folder)]) == 2
    assert "field kind: Is missing" in capsys.readouterr().err
