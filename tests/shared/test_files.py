from __future__ import annotations

import csv

from flask import Flask

from shared.pages.files import csv_file


def test_a_name_that_looks_like_a_formula_stays_a_name() -> None:
    names = ["=1+1", "+33 6", "-2", "@me", "\tx", 'Été ; « à » "l’air"', "Loup"]
    with Flask("x").test_request_context():
        answer = csv_file("Édition d’été.csv", ["Ligue", "Points"], [(name, -3) for name in names])
        answer.direct_passthrough = False
    rows = list(csv.reader(answer.data.decode("utf-8-sig").splitlines(), delimiter=";"))
    assert rows[0] == ["Ligue", "Points"]
    assert [row[0] for row in rows[1:]] == [*(f"'{name}" for name in names[:5]), *names[5:]]
    assert {row[1] for row in rows[1:]} == {"-3"}, "a number is no formula"
    assert "filename*=UTF-8''" in answer.headers["Content-Disposition"]
