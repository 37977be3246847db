"""The proof itself can fail: what it must notice is done to it here, one by one."""

from __future__ import annotations

import random

import pytest

from tests.journeys.history import Attempt, History, Load, Verb
from tests.journeys.people import found
from tests.servers import proof, soak
from tests.servers.stack import Stack


def history(*attempts: tuple[Verb, str, int | None]) -> History:
    told = History()
    for verb, completion_id, status in attempts:
        told.add(Attempt(verb, completion_id, status, 0.0, 0.0), {"completion_id": completion_id})
    return told


def test_what_was_promised_holds() -> None:
    told = history(("record", "a", 201), ("record", "a", 200), ("record", "b", None), ("record", "c", 422))
    told.check({"a"}, set())
    told.check({"a", "b"}, set())
    told = history(("record", "a", 201), ("withdraw", "a", None))
    told.check({"a"}, set())
    told.check(set(), {"a"})


@pytest.mark.parametrize(
    ("attempts", "kept", "withdrawn", "says"),
    [
        ([("record", "a", 201)], set(), set(), "accepted and lost"),
        ([("record", "a", 422)], {"a"}, set(), "refused, or never asked for, and there"),
        ([], {"a"}, set(), "refused, or never asked for, and there"),
        ([("record", "a", 201), ("withdraw", "a", 204)], {"a"}, set(), "withdrawn and still counted"),
        ([("record", "a", 201)], set(), {"a"}, "nobody withdrew them"),
    ],
)
def test_a_broken_promise_is_named(
    attempts: list[tuple[Verb, str, int | None]], kept: set[str], withdrawn: set[str], says: str
) -> None:
    with pytest.raises(AssertionError, match=says):
        history(*attempts).check(kept, withdrawn)


def test_the_same_completion_answered_differently_is_noticed() -> None:
    told = history(("record", "a", 201))
    with pytest.raises(AssertionError, match="answered"):
        told.add(Attempt("record", "a", 200, 0.0, 0.0), {"completion_id": "a", "points": 7})


TAMPERED = {
    "an entry is lost": "DELETE FROM ledger USING taken WHERE ledger.source = taken.source",
    "an entry was changed": "UPDATE ledger SET points = points + 1 WHERE source IN (SELECT source FROM taken)",
}


@pytest.mark.parametrize("how", TAMPERED)
def test_a_ledger_that_is_wrong_is_noticed(stack: Stack, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    with Load(found(stack.url), leagues=1) as load:
        load.goes_on(20)
    proof.prove(stack, load)
    monkeypatch.setattr(proof, "QUIET_SECONDS", 1.0)

    def run(statement: str, *values: str) -> None:
        stack.postgres.query(statement, *values, database="ranking")

    run("CREATE TABLE taken AS SELECT * FROM ledger WHERE edition_id = %s LIMIT 1", load.edition["edition_id"])
    try:
        run(TAMPERED[how])
        with pytest.raises(AssertionError):
            proof.prove(stack, load)
    finally:
        run(TAMPERED["an entry is lost"])
        run("INSERT INTO ledger SELECT * FROM taken")
        run("DROP TABLE taken")
    proof.prove(stack, load)


def test_a_round_of_the_soak_ends_with_its_proof(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(soak, "CHOICE", {"leagues-web is killed": soak.killed("leagues-web")})
    soak.soak(stack, 0.1, random.Random(1))
    assert "1 rounds" in capsys.readouterr().out
