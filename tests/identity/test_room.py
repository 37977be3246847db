"""What the room promises: its migration, its API text, its translations, its upkeep."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from services.identity import schemas
from services.identity.models import PersonSession, RefreshToken, SecretOwner
from services.identity.upkeep import every_minute
from shared.i18n import translations
from shared.migrations import ROOT, differences
from shared.tenancy import across_tenants
from tests.identity.conftest import Clock
from tests.identity.steps import API, Steps

ROOM = ROOT / "services" / "identity"


def operations(steps: Steps) -> list[tuple[str, str, Any]]:
    document = steps.client().get(f"{API}/openapi.json").json
    return [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method != "parameters"
    ]


def test_the_migration_equals_the_models(steps: Steps) -> None:
    assert differences("identity", steps.database) == []


def test_every_request_example_is_valid(steps: Steps) -> None:
    checked = 0
    for _method, _path, operation in operations(steps):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            name = content["schema"]["$ref"].rsplit("/", 1)[1]
            getattr(schemas, f"{name}Schema")().load(content["example"])
            checked += 1
    assert checked >= 10


def test_every_operation_has_a_summary(steps: Steps) -> None:
    assert [path for _, path, operation in operations(steps) if not operation.get("summary")] == []


def test_every_protected_operation_refuses_an_anonymous_caller(steps: Steps) -> None:
    for method, path, operation in operations(steps):
        if operation["security"]:
            address = re.sub(r"{\w+}", "0190c0de-7a11-7000-8000-000000000001", path)
            assert steps.client().open(address, method=method.upper(), json={}).status_code == 401, path


def test_every_sentence_is_translated() -> None:
    sentences = set()
    for path in ROOM.rglob("*.py"):
        sentences |= set(re.findall(r'message\(\s*"((?:[^"\\]|\\.)+)"', path.read_text()))
    french = translations("fr")
    missing = {sentence for sentence in sentences if french.gettext(sentence) == sentence}
    assert len(sentences) > 15
    assert missing == set()


def test_no_view_speaks_sql_or_commits() -> None:
    for path in [*Path(ROOM / "api").glob("*.py")]:
        assert not re.search(r"sqlalchemy|\.commit\(|\.rollback\(", path.read_text()), path
    for path in Path(ROOM / "domain").glob("*.py"):
        assert not re.search(r"import flask|from flask|\.commit\(", path.read_text()), path


def test_what_has_expired_is_removed(steps: Steps, clock: Clock) -> None:
    steps.found()
    steps.sign_in()
    steps.post("/password-resets", {"email": "camille@example.org"})

    def rows() -> list[int | None]:
        with steps.database.transaction(across_tenants(), read_only=True) as session:
            tables = (SecretOwner, RefreshToken, PersonSession)
            return [session.scalar(sa.select(sa.func.count()).select_from(table)) for table in tables]

    every_minute(steps.database)
    assert rows() == [2, 1, 1]
    clock.advance(days=31)
    every_minute(steps.database)
    assert rows() == [0, 0, 1]
    clock.advance(days=31)
    every_minute(steps.database)
    assert rows() == [0, 0, 0]
