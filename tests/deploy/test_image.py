"""The image: what its Dockerfile says, and what would be in it. No Docker here: its steps are run by hand."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

from shared.errors import NotFound
from shared.i18n import translate
from tests.deploy.commands import ROOT, SERVICES, unknown_settings

DOCKERFILE = ROOT / "deploy" / "Dockerfile"
UV = f"{sys.executable} -m uv"
LOOK_AROUND = """
import os, sys
from pathlib import Path
import services, shared
from shared.database import Database
from shared.service import load_service
from shared.settings import read_settings
for module in (services, shared):
    assert Path(module.__file__).is_relative_to(sys.prefix), module
settings = read_settings(os.environ)
for name in ("identity", "challenges", "leagues", "ranking"):
    client = load_service(name).create_app(settings, Database(settings.database_url_for(name))).test_client()
    for path in ("static/docs.js", "api/v1/docs", "api/v1/openapi.json", "health/live"):
        assert client.get(f"/{name}/{path}").status_code == 200, path
    # No event travels here, so that identity alone has a key.
    assert client.get(f"/{name}/health/ready").status_code == (200 if name == "identity" else 503), name
front = load_service("identity").create_app(settings, Database(settings.database_url_for("identity"))).test_client()
from shared.pages.static import static_url
for file in ("app.js", "vendor/htmx.js", "vendor/chart.js"):
    assert front.get(static_url(file)).status_code == 200, file
print(client.get("/ranking/api/v1/nowhere?lang=fr").json["title"])
"""


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile, an instruction at a time, in order."""
    lines = [line for line in DOCKERFILE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    pairs = (line.split(None, 1) for line in joined.splitlines() if line.strip())
    return [(word.upper(), rest) for word, rest in pairs]


def stages() -> dict[str, list[tuple[str, str]]]:
    """Its stages by name, the last one last."""
    found: dict[str, list[tuple[str, str]]] = {}
    for word, rest in instructions():
        if word == "FROM":
            found[rest.partition(" AS ")[2]] = []
        if found:
            found[list(found)[-1]].append((word, rest))
    return found


def is_sent_to_the_builder(path: str) -> bool:
    """Whether .dockerignore lets a path through: the last line that fits decides."""
    is_sent = True
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        pattern = line.removeprefix("!").removeprefix("**/")
        if line.strip() and not line.startswith("#"):
            parts = [path, *(str(parent) for parent in Path(path).parents), Path(path).name]
            if any(fnmatch(part, pattern) for part in parts):
                is_sent = line.startswith("!")
    return is_sent


def copied() -> list[str]:
    return [
        source
        for stage in stages().values()
        for word, rest in stage
        if word == "COPY" and not rest.startswith("--from=")
        for source in rest.split()[:-1]
    ]


def test_everything_it_copies_is_there_and_sent_to_the_builder() -> None:
    assert copied()
    for source in copied():
        assert (ROOT / source).exists(), source
        assert is_sent_to_the_builder(source), source


@pytest.mark.parametrize(
    "path", [".env", ".git/HEAD", "data/databases/leagues.db", ".venv/bin/python", "tests/house.py"]
)
def test_secrets_data_and_history_are_not(path: str) -> None:
    assert not is_sent_to_the_builder(path)


def test_the_last_stage_is_a_plain_one() -> None:
    name, stage = list(stages().items())[-1]
    said = dict(stage)
    assert name == "app"
    assert said["ENTRYPOINT"] == '["python", "-m"]'
    assert int(said["USER"].partition(":")[0]) > 1000
    assert not [rest for word, rest in stage if word == "RUN" and re.search(r"apt|pip|gcc|curl", rest)]
    settings = re.findall(r"(MPP_\w+)=", " ".join(rest for word, rest in stage if word == "ENV"))
    assert not unknown_settings(dict.fromkeys(settings))


def test_no_stage_runs_as_root_in_the_end() -> None:
    for name in ("gateway", "app"):
        assert dict(stages()[name])["USER"].partition(":")[0] not in ("0", "root")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python that the first stage leaves behind: its instructions carried out, in folders of our own.

    uv stands in for pip, since it keeps what it has downloaded before.
    """
    root = tmp_path_factory.mktemp("image")
    place = root
    for word, rest in stages()["build"]:
        if word == "WORKDIR":
            place = root / rest.removeprefix("/")
            place.mkdir()
        elif word == "COPY":
            *sources, target = rest.split()
            for source in sources:
                copy(ROOT / source, place / target / source if target == "./" else place / target)
        elif word == "RUN":
            shell = rest.replace("--no-cache-dir --disable-pip-version-check ", "")
            shell = re.sub(r"/venv/bin/pip (\w+)", rf"{UV} pip \1 --quiet --python {root}/venv", shell)
            shell = re.sub(r"(^|&& )python ", rf"\1{sys.executable} ", shell).replace(" /venv", f" {root}/venv")
            done = subprocess.run(shell, shell=True, cwd=place, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{shell}\n{done.stderr}"
    return root / "venv" / "bin" / "python"


def copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


def run(python: Path, *arguments: str, data: Path) -> str:
    """A program of the image, in an empty folder, on databases of its own."""
    data.mkdir(exist_ok=True)
    environment = {"MPP_DATA": str(data), "PATH": "/usr/bin:/bin"}
    done = subprocess.run([python, *arguments], cwd=data, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_file_of_the_repository_is_in_it(installed: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "services", "shared"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    (place,) = (installed.parents[1] / "lib").glob("python*/site-packages")
    assert not [file for file in listed if not (place / file).is_file()]


def test_it_runs_from_outside_the_repository(installed: Path, tmp_path: Path) -> None:
    for service in SERVICES:
        assert "worker" in run(installed, "-m", f"services.{service}", "--help", data=tmp_path)
        run(installed, "-m", f"services.{service}", "migrate", data=tmp_path)
    assert "all right" in run(installed, "-m", "services.challenges", "load-catalogue", "--check", data=tmp_path)
    said = run(installed, "-c", LOOK_AROUND, data=tmp_path).splitlines()[-1]
    assert said == translate(NotFound.text, "fr") != NotFound.text
