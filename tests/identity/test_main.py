from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shared.contracts import PersonJoined, SigningKeyPublished
from shared.migrations import ROOT
from tests.identity.steps import API, PASSWORD, Steps


def run(folder: Path, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MPP_")}
    return subprocess.run(
        [sys.executable, "-m", "services.identity", *arguments],
        cwd=ROOT,
        env={
            **environment,
            "MPP_DATA": str(folder),
            "MPP_DATABASE_URL": f"sqlite:///{folder}/{{service}}.db",
            "MPP_LOG_LEVEL": "ERROR",
        },
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_an_operator_is_made_on_the_command_line(steps: Steps, tmp_path: Path) -> None:
    made = run(tmp_path, "create-operator", "--email", "op@example.org", "--password-stdin", text=f"{PASSWORD}\n")
    assert (made.returncode, made.stderr) == (0, "")
    signed_in = steps.sign_in("op@example.org").json
    assert signed_in["person"]["roles"] == ["operator", "administrator"]
    assert steps.client(signed_in["access_token"]).get(f"{API}/tenants").status_code == 200


@pytest.mark.parametrize(
    ("email", "password", "sentence"),
    [("op@example.org", "0123456789", "Too easy to guess"), ("op", PASSWORD, "not an e-mail address")],
)
def test_a_bad_operator_gets_a_sentence(steps: Steps, tmp_path: Path, email: str, password: str, sentence: str) -> None:
    made = run(tmp_path, "create-operator", "--email", email, "--password-stdin", text=f"{password}\n")
    assert made.returncode == 1
    assert sentence in made.stderr
    assert "Traceback" not in made.stderr
    assert steps.events(PersonJoined) == []


def test_keys_are_rotated_on_the_command_line(steps: Steps, tmp_path: Path) -> None:
    rotated = run(tmp_path, "rotate-keys")
    assert (rotated.returncode, rotated.stderr) == (0, "")
    assert len({event.key_id for _, event in steps.events(SigningKeyPublished)}) == 2


def test_migrating_prepares_an_empty_folder(tmp_path: Path) -> None:
    assert run(tmp_path, "migrate").stdout == "identity: 0001, 0002, 0003\n"
    assert run(tmp_path, "migrate").stdout == "identity: already up to date\n"
