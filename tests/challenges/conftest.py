from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
import yaml

from services.challenges.catalogue_files import FOLDER, Catalogue, read_catalogue
from tests.house import House, catalogue_template, migrated_template

SERVICES = ("challenges",)


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return read_catalogue()


@pytest.fixture(scope="session")
def empty_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return migrated_template(tmp_path_factory.mktemp("challenges-empty"), SERVICES)


@pytest.fixture(scope="session")
def loaded_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return catalogue_template(tmp_path_factory.mktemp("challenges-loaded"), SERVICES)


@pytest.fixture
def house(empty_template: Path, tmp_path: Path) -> Iterator[House]:
    opened = House(empty_template, tmp_path, services=SERVICES)
    yield opened
    opened.close()


@pytest.fixture
def loaded_house(loaded_template: Path, tmp_path: Path) -> Iterator[House]:
    opened = House(loaded_template, tmp_path, services=SERVICES)
    yield opened
    opened.close()


class Files:
    """A copy of the catalogue's files that a test may damage."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, name: str) -> Any:
        return yaml.safe_load((self.folder / name).read_text(encoding="utf-8"))

    def write(self, name: str, content: Any) -> None:
        text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False)
        (self.folder / name).write_text(text, encoding="utf-8")

    def change(self, name: str, slug: str, /, **fields: Any) -> None:
        """Gives fields of one challenge other values; None takes a field away."""
        content = self.read(name)
        entry = next(entry for entry in content["challenges"] if entry["challenge"] == slug)
        for field, value in fields.items():
            if value is None:
                del entry[field]
            else:
                entry[field] = value
        self.write(name, content)

    def remove(self, name: str, challenge: str) -> None:
        content = self.read(name)
        content["challenges"] = [entry for entry in content["challenges"] if entry["challenge"] != challenge]
        self.write(name, content)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """The food challenges and the factors: enough to be quick."""
    folder = tmp_path / "catalogue"
    folder.mkdir()
    for name in ("food.yaml", "waste.yaml", "impact_factors.yaml"):
        (folder / name).write_bytes((FOLDER / name).read_bytes())
    return Files(folder)


@pytest.fixture
def every_file(tmp_path: Path) -> Files:
    copytree(FOLDER, tmp_path / "catalogue")
    return Files(tmp_path / "catalogue")
