from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest

from shared.database import new_id
from tests.builders import publish_challenge, record, teacher_of
from tests.house import House
from tests.leagues.game import API, Game

PROBLEM = "application/problem+json"
EDITION = {"name": "Automne", "starts_at": "2026-11-23T09:00:00"}
NAMES = [
    "🌍🦊 Les Colibris 👩🏽‍🚀",
    "🫨🫎🪿",  # Unicode 15, younger than our Python
    "مدرسة الزنابق",
    "בית ספר השושנים",
    "小学校",
    "Ångström-Œuvre",
    "Robert'); DROP TABLE leagues;--",
    "<script>alert(1)</script>",
    "{name} %s ${x}",
    "=1+1",
]


def refused(answer: Any, status: int, code: str, field: str | None = None) -> None:
    """A refusal: problem+json, its stable code, a sentence, and the field at fault."""
    assert answer.status_code == status, answer.data
    assert answer.content_type == PROBLEM
    assert answer.json["code"] == code
    assert answer.json["title"]
    if field is not None:
        assert field in [error["field"] for error in answer.json["errors"]]


def post(client: Any, path: str, body: Any) -> Any:
    """Sends JSON in ASCII, which can say half a character (\\ud83d) where UTF-8 cannot."""
    return client.post(path, data=json.dumps(body), content_type="application/json")


@pytest.fixture
def client(house: House) -> Any:
    return house.client("leagues", teacher_of(house))


# --- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_names_of_every_script_and_emoji_come_back_as_they_were(game: Game, name: str) -> None:
    assert game.client.post(game.path("players"), json={"names": [name]}).json[0]["display_name"] == name
    assert game.client.post(game.path("teams"), json={"name": name}).json["name"] == name
    assert name in [player["display_name"] for player in game.client.get(game.path("players")).json]


def test_names_are_trimmed_and_normalised(game: Game) -> None:
    decomposed = unicodedata.normalize("NFD", "  Éléonore  ")
    [player] = game.client.post(game.path("players"), json={"names": [decomposed]}).json
    assert player["display_name"] == "Éléonore"
    assert len(player["display_name"]) == 8


def test_a_team_whose_name_differs_in_its_bytes_only_is_taken(game: Game) -> None:
    game.client.post(game.path("teams"), json={"name": "Équipe"})
    refused(
        game.client.post(game.path("teams"), json={"name": unicodedata.normalize("NFD", "équipe")}),
        409,
        "team_name_taken",
    )


@pytest.mark.parametrize(
    "name",
    [
        "",
        "   ",
        "\u00a0",
        "a\x00b",
        "a\nb",
        "a\tb",
        "\x1b[31m",
        "a\x7f",
        "\u202eabc",
        "a\u2066b",
        "\ud83d",
        "a\ufffeb",
        "é" * 81,
    ],
)
def test_names_that_cannot_be_shown_are_refused(game: Game, name: str) -> None:
    refused(post(game.client, game.path("teams"), {"name": name}), 422, "invalid", "name")
    refused(post(game.client, game.path("players"), {"names": ["Lynx", name]}), 422, "invalid", "names.1")
    assert [len(game.teams), len(game.client.get(game.path("players")).json)] == [2, 3]


def test_a_name_may_have_80_characters(game: Game) -> None:
    assert game.client.post(game.path("teams"), json={"name": "é" * 80}).status_code == 201
    refused(game.client.post(game.path("players"), json={"names": ["é" * 81]}), 422, "invalid", "names.0")


def test_a_note_has_lines_but_no_control_characters(game: Game) -> None:
    act = {"player_id": game.players[0]["player_id"]}
    refused(record(game.client, game.league, game.challenge, **act, note="a\x00b"), 422, "invalid", "note")
    refused(record(game.client, game.league, game.challenge, **act, note="a" * 501), 422, "invalid", "note")
    assert record(game.client, game.league, game.challenge, **act, note="Un\nDeux 🚲").status_code == 201


# --- bodies ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    ['{"name": ', "{'name': 'x'}", "\x00", "[1, 2", '{"name": "\\u00"}', "é", "[" * 100_000, '{"a":' * 50_000, "nul"],
)
def test_broken_json_is_refused(client: Any, body: str) -> None:
    answer = client.post(f"{API}/editions", data=body.encode(), content_type="application/json")
    refused(answer, 400, "broken_json")


def test_bytes_that_are_no_text_are_refused(client: Any) -> None:
    for body in (b"\xff\xfe\xfa", b'{"name": "\xe9"}', b"\x80"):
        refused(client.post(f"{API}/editions", data=body, content_type="application/json"), 400, "broken_json")


def test_a_body_under_another_content_type_is_refused(client: Any) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/xml"):
        refused(client.post(f"{API}/editions", data="name=x", content_type=kind), 415, "not_json")


@pytest.mark.parametrize("body", ["[]", '"x"', "3", "true", "null", '[{"name": "x"}]', "NaN"])
def test_a_body_that_is_no_object_is_refused(client: Any, body: str) -> None:
    refused(client.post(f"{API}/editions", data=body, content_type="application/json"), 422, "invalid")


def test_an_empty_body_says_what_is_missing(client: Any) -> None:
    answer = client.post(f"{API}/editions", data=b"", content_type="application/json")
    refused(answer, 422, "invalid", "name")


def test_a_body_of_50_megabytes_is_refused_before_it_is_read(client: Any) -> None:
    answer = client.post(f"{API}/editions", json=EDITION | {"name": "a" * 50_000_000})
    refused(answer, 413, "body_too_large")
    assert "1048576" in answer.json["title"]


def test_unknown_fields_are_refused(client: Any) -> None:
    refused(client.post(f"{API}/editions", json=EDITION | {"weeks": 4}), 422, "invalid", "weeks")
    for name in ("tenant_id", "🌍", "a" * 1000, "\ud800", "", "json", "_schema"):
        refused(post(client, f"{API}/editions", EDITION | {name: "x"}), 422, "invalid")
    assert client.get(f"{API}/editions").json == []


def test_unknown_parameters_are_refused(game: Game) -> None:
    for path in (
        f"{API}/leagues?is_min=true",
        f"{API}/editions?x=1",
        game.path("players?team=1"),
        f"{API}/leagues?%F0%9F=1",
    ):
        refused(game.client.get(path), 422, "unknown_parameter")


# --- values ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", 3),
        ("name", ["x"]),
        ("name", {"fr": "x"}),
        ("name", None),
        ("starts_at", "tomorrow"),
        ("starts_at", "2026-11-23T09:00:00+01:00"),
        ("starts_at", "2026-11-23T09:00:00Z"),
        ("starts_at", "2026-02-30T09:00:00"),
        ("starts_at", "1999-12-31T23:59:59"),
        ("starts_at", "9999-12-31T23:59:59"),
        ("starts_at", 1_790_000_000),
        ("starts_at", None),
        ("ends_at", "0001-01-01T00:00:00"),
        ("audience", "martians"),
        ("audience", ["school"]),
        ("is_open", "perhaps"),
        ("is_open", []),
        ("grace_days", 15),
        ("grace_days", -1),
        ("grace_days", 2.5),
        ("grace_days", "2"),
        ("grace_days", True),
        ("grace_days", 2**63),
        ("grace_days", -(2**63) - 1),
        ("max_players", 10**30),
        ("max_players", 0),
        ("max_players", float("nan")),
        ("max_players", float("inf")),
        ("max_players", 1e300),
        ("max_players", None),
    ],
)
def test_wrong_values_are_refused_by_field(client: Any, field: str, value: Any) -> None:
    refused(client.post(f"{API}/editions", json=EDITION | {field: value}), 422, "invalid", field)
    assert client.get(f"{API}/editions").json == []


def test_a_number_of_five_thousand_digits_is_refused(client: Any) -> None:
    body = '{"name": "x", "starts_at": "2026-11-23T09:00:00", "grace_days": ' + "9" * 5000 + "}"
    answer = client.post(f"{API}/editions", data=body, content_type="application/json")
    assert (answer.status_code, answer.content_type) == (400, PROBLEM)


@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2026-11-23T09:00:00", "soon", 3]
)
def test_the_lock_of_the_teams_is_a_moment_with_its_zone_in_our_time(game: Game, moment: Any) -> None:
    etag = game.client.get(game.path()).headers["ETag"]
    answer = game.client.patch(game.path(), json={"teams_locked_at": moment}, headers={"If-Match": etag})
    refused(answer, 422, "invalid", "teams_locked_at")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("challenge_id", "veggie-lunch"),
        ("challenge_id", 12),
        ("challenge_id", None),
        ("league_id", "x" * 36),
        ("player_id", "🌍"),
        ("player_id", 2**70),
        ("player_id", []),
        ("day", "yesterday"),
        ("day", "2026-13-01"),
        ("day", 20_261_123),
        ("day", "2026-11-23T09:00:00"),
        ("tier", 3),
        ("tier", "x" * 41),
        ("note", 3),
        ("points", 100),
    ],
)
def test_a_completion_with_wrong_values_is_refused(game: Game, field: str, value: Any) -> None:
    body = {"league_id": game.league["league_id"], "challenge_id": str(game.challenge)}
    refused(game.client.put(f"{API}/completions/{new_id()}", json=body | {field: value}), 422, "invalid", field)
    assert game.completions() == []


@pytest.mark.parametrize("wrong", ["1", "x" * 36, "0190c0de-7a11-7000-8000-00000000000g", "🌍", "..", "%00", "9" * 40])
def test_an_id_in_the_address_is_a_uuid(game: Game, wrong: str) -> None:
    for path in ("editions", "leagues", "completions"):
        answer = game.client.get(f"{API}/{path}/{wrong}")
        if answer.status_code != 404:  # « .. » is another address
            refused(answer, 422, "bad_identifier")
    refused(game.client.put(f"{API}/completions/{wrong}x", json={}), 422, "bad_identifier")


@pytest.mark.parametrize("page", [str(10**30), "0", "-1", "one", "1.5", "9" * 5000, "", "100001"])
def test_a_page_that_cannot_be_is_refused(game: Game, page: str) -> None:
    for path in (
        f"{API}/editions",
        f"{API}/leagues",
        f"{API}/completions",
        game.path("players"),
        game.path("activity"),
    ):
        refused(game.client.get(f"{path}?page={page}"), 422, "invalid", "page")


def test_a_page_size_that_cannot_be_is_refused(game: Game) -> None:
    for size in ("0", "101", str(10**30), "x"):
        refused(game.client.get(f"{API}/leagues?page_size={size}"), 422, "invalid", "page_size")


def test_a_page_beyond_the_last_is_empty(game: Game) -> None:
    answer = game.client.get(f"{API}/leagues?page=100000")
    assert (answer.status_code, answer.json) == (200, [])


def test_filters_are_checked(game: Game) -> None:
    refused(game.client.get(f"{API}/leagues?edition_id=x"), 422, "invalid", "edition_id")
    refused(game.client.get(f"{API}/leagues?is_mine=perhaps"), 422, "invalid", "is_mine")
    refused(game.client.get(game.path("players?team_id=1")), 422, "invalid", "team_id")
    refused(game.client.get(f"{API}/completions?challenge_id=🌍"), 422, "invalid", "challenge_id")


@pytest.mark.parametrize("count", [0, 101])
def test_a_list_of_names_has_a_length(game: Game, count: int) -> None:
    answer = game.client.post(game.path("players"), json={"names": [f"Lynx {n}" for n in range(count)]})
    refused(answer, 422, "invalid", "names")


@pytest.mark.parametrize("count", [0, 201])
def test_a_batch_has_a_length(game: Game, count: int) -> None:
    acts = [{"completion_id": str(new_id()), "challenge_id": str(game.challenge)} for _ in range(count)]
    refused(game.client.post(game.path("completions"), json={"completions": acts}), 422, "invalid", "completions")


def test_a_batch_with_one_malformed_act_records_nothing(game: Game) -> None:
    good = {"completion_id": str(new_id()), "challenge_id": str(game.challenge)} | {
        "player_id": game.players[0]["player_id"]
    }
    answer = game.client.post(game.path("completions"), json={"completions": [good, good | {"day": "soon"}]})
    refused(answer, 422, "invalid", "completions.1.day")
    assert game.completions() == []


@pytest.mark.parametrize("teams", [[], [f"Équipe {n}" for n in range(13)], "Colibris", [None], [["x"]], {"a": 1}])
def test_the_teams_of_a_new_league_are_a_list_of_names(game: Game, teams: Any) -> None:
    body = {"edition_id": game.edition["edition_id"], "name": "CE1", "teams": teams}
    assert game.client.post(f"{API}/leagues", json=body).status_code == 422
    assert len(game.client.get(f"{API}/leagues").json) == 1


def test_strange_headers_are_no_server_error(game: Game) -> None:
    for header, value in {
        "Accept-Language": "xx;q=abc, *, fr;q=🌍".encode().decode("latin-1"),
        "If-None-Match": "W/",
        "traceparent": "x" * 500,
        "X-Request-ID": "../../etc/passwd",
        "Authorization": "Bearer é.é.é",
    }.items():
        assert game.client.get(game.path(), headers={header: value}).status_code < 500
    refusal = game.client.patch(game.path(), json={"name": "x"}, headers={"If-Match": "garbage"})
    assert refusal.status_code in (412, 428)


def test_an_address_that_does_not_exist_and_a_verb_that_is_not_taken(game: Game) -> None:
    refused(game.client.get(f"{API}/unicorns"), 404, "not_found")
    refused(game.client.delete(game.path()), 405, "method_not_allowed")
    refused(game.client.put(f"{API}/editions", json={}), 405, "method_not_allowed")


def test_nobody_who_is_not_signed_in_gets_in(house: House, game: Game) -> None:
    anonymous = house.client("leagues")
    for path in (f"{API}/leagues", game.path(), game.path("players"), f"{API}/completions"):
        refused(anonymous.get(path), 401, "not_signed_in")
    refused(record(anonymous, game.league, game.challenge), 401, "not_signed_in")


# --- in French -------------------------------------------------------------------------------------------------------


def test_refusals_are_in_the_readers_language(game: Game) -> None:
    body = EDITION | {"grace_days": 99, "weeks": 4, "audience": "martians", "starts_at": None, "name": "a" * 81}
    answer = game.client.post(f"{API}/editions", json=body, headers={"Accept-Language": "fr-CA,fr;q=0.9,en;q=0.5"})
    assert answer.headers["Content-Language"] == "fr"
    found = {error["field"]: error["message"] for error in answer.json["errors"]}
    assert found["grace_days"] == "Donnez une valeur de 0 à 14."
    assert found["weeks"] == "Champ inconnu."
    assert found["name"] == "Trop long\u00a0: 80 caractères au maximum."
    assert found["starts_at"] == "Ne peut pas être nul (null)."
    assert found["audience"].startswith("Doit être l’une de ces valeurs\u00a0: community, company")


def test_a_refusal_translates_its_own_words_too(game: Game) -> None:
    player_id = game.players[0]["player_id"]
    for language, expected in (("fr", "1 fois par jour"), ("en", "1 × per day")):
        answers = [
            game.client.put(
                f"{API}/completions/{new_id()}?lang={language}",
                json={
                    "league_id": game.league["league_id"],
                    "challenge_id": str(game.challenge),
                    "player_id": player_id,
                },
            )
            for _ in range(2)
        ]
        assert expected in answers[1].json["title"]
    challenge = publish_challenge(game.house, audiences=["company", "community"], age_bands=[])
    body = {"league_id": game.league["league_id"], "challenge_id": str(challenge), "player_id": player_id}
    refusal = game.client.put(f"{API}/completions/{new_id()}?lang=fr", json=body)
    assert "entreprise, grand public" in refusal.json["title"]
