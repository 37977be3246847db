"""What was typed into a form, as a person recognises it."""

from __future__ import annotations

import pytest
from flask import Flask

from shared.pages.typed import in_words

ID = "01900000-0000-7000-8000-000000000001"


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ([("note", "Avec ma sœur"), ("names", "Loup\r\n\r\nOurse")], ["Avec ma sœur", "Loup", "Ourse"]),
        ([("day", "2026-11-26")], ["jeudi 26 novembre 2026"]),
        ([("starts_at", "2026-11-26T08:30")], ["26 novembre 2026, 08:30"]),
        ([("day", "2026-02-30")], ["2026-02-30"]),
        ([("ticks", f"{ID}:{ID}"), ("day", "2026-11-26"), ("ticks", "")], ["jeudi 26 novembre 2026", "1 case cochée"]),
        ([("player_ids", ID)] * 3, ["3 cases cochées"]),
        ([("kept.note", "Avec"), ("kept.language", "fr"), ("kept.ticks", "x")], ["Avec", "1 case cochée"]),
        ([("note", f"voir http://x.example/{ID}")], [f"voir http://x.example/{ID}"]),
        ([("language", "fr"), ("zone", "Europe/Paris"), ("country", "FR"), ("roles", "player")], []),
        ([("team_id", ID), ("completion_id", ID), ("other", ID), ("tier", "1"), ("note", " ")], []),
        ([("is_open", "yes"), ("kind", "bravo"), ("back", "/leagues/"), ("has_page", "1"), ("kept_by", ID)], []),
    ],
    ids=str,
)
def test_texts_stay_days_are_in_words_ticks_are_counted_and_our_own_words_are_left_out(
    fields: list[tuple[str, str]], told: list[str]
) -> None:
    with Flask(__name__).test_request_context("/", headers={"Accept-Language": "fr"}):
        assert in_words(fields) == told
