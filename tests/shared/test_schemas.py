from __future__ import annotations

import unicodedata
from typing import Any

import marshmallow as ma
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.schemas import MAX_INTEGER, Country, Integer, Language, Schema, Text, Zone


class FormSchema(Schema):
    name = Text(maximum=20)
    story = Text(maximum=200, is_multiline=True)
    remark = Text(maximum=20, may_be_empty=True)
    count = Integer(minimum=1, maximum=10)
    number = Integer(minimum=-MAX_INTEGER)
    zone = Zone()
    country = Country()
    language = Language()


def load(**values: Any) -> Any:
    return FormSchema().load(values)


def refusal_of(name: str, value: Any) -> str:
    with pytest.raises(ma.ValidationError) as refused:
        load(**{name: value})
    assert list(refused.value.messages) == [name]
    return str(refused.value.messages[name][0])


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ma.ValidationError) as refused:
        load(nmae="Awa")
    assert refused.value.messages == {"nmae": ["Unknown field."]}


@pytest.mark.parametrize(
    "name",
    [
        "Awa",
        "Zoé Lefèvre-Naïm",
        "مريم",
        "דוד",
        "小林さくら",
        "ไชยา",
        "Ω",
        "🥕🐝",
        "👩🏽‍🌾",
        "👨‍👩‍👧‍👦",
        "🏴󠁧󠁢󠁳󠁣󠁴󠁿",
        "\U0001fae8",  # a face younger than the Unicode of Python 3.11
        "O'Brien & <b>Co</b>",
        "'; DROP TABLE x; --",
        "{braces} %s ${x}",
    ],
)
def test_a_name_in_any_script_is_kept_as_it_is(name: str) -> None:
    assert load(name=name) == {"name": name}


def test_a_name_is_trimmed_and_normalised() -> None:
    assert load(name="  Zoe\u0301 \u00a0") == {"name": "Zo\u00e9"}


@pytest.mark.parametrize(
    "name",
    [
        "A\x00wa",
        "A\x1b[31mwa",
        "A\nwa",
        "A\twa",
        "A\x7fwa",
        "A\x85wa",
        "A\u202ewa",
        "A\u2066wa",
        "A\u2028wa",
        "A\ud800wa",
        "A\ufffewa",
        "A\ufdd0wa",
    ],
)
def test_control_and_direction_characters_are_refused_with_an_advice(name: str) -> None:
    assert "type the text again" in refusal_of("name", name)


@pytest.mark.parametrize("blank", ["", "   ", "\n", "\u00a0", "\u3000", "\u200b", "\u200d\u2060", "\ufeff", "\u200e "])
def test_a_name_that_shows_nothing_is_refused(blank: str) -> None:
    assert refusal_of("name", blank) == "This cannot be empty."


def test_a_text_that_may_be_empty_may_be_empty() -> None:
    assert load(remark="  ") == {"remark": ""}


def test_a_text_of_several_lines_keeps_them_and_nothing_worse() -> None:
    assert load(story="One.\r\nTwo.\n\tThree.") == {"story": "One.\r\nTwo.\n\tThree."}
    assert "control character" in refusal_of("story", "One.\x00Two.")
    assert "control character" in refusal_of("story", "One.\u202eTwo.")


def test_a_text_is_as_long_as_it_may_be_and_no_longer() -> None:
    assert load(name="é" * 20) == {"name": "é" * 20}
    assert load(name="e\u0301" * 20) == {"name": "é" * 20}  # 20 once normalised
    assert refusal_of("name", "é" * 21) == "Too long: 20 characters at most."
    assert "Too long" in refusal_of("name", "x" * 1_000_000)


@pytest.mark.parametrize("value", [3, 3.5, True, ["Awa"], {"name": "Awa"}, None])
@pytest.mark.parametrize("name", ["name", "zone", "country", "language"])
def test_what_is_no_text_is_refused(name: str, value: Any) -> None:
    assert refusal_of(name, value)


@given(st.text())
def test_any_text_is_either_kept_clean_or_refused(text: str) -> None:
    try:
        name = load(name=text)["name"]
    except ma.ValidationError:
        return
    assert 0 < len(name) <= 20
    assert name == unicodedata.normalize("NFC", name).strip()
    assert load(name=name) == {"name": name}
    name.encode()


@pytest.mark.parametrize("count", [1, 5, 10])
def test_an_integer_within_its_bounds_is_kept(count: int) -> None:
    assert load(count=count) == {"count": count}


@pytest.mark.parametrize("count", [0, 11, -1, 2**31, 2**63, 2**70, -(2**70), 10**4000])
def test_an_integer_out_of_its_bounds_is_refused(count: int) -> None:
    assert "and less than or equal to 10" in refusal_of("count", count)


@pytest.mark.parametrize("number", [MAX_INTEGER + 1, -MAX_INTEGER - 1, 2**63, 2**70])
def test_an_integer_no_json_reader_keeps_is_refused(number: int) -> None:
    assert refusal_of("number", number)
    assert load(number=MAX_INTEGER) == {"number": MAX_INTEGER}


@pytest.mark.parametrize("count", [True, False, 3.0, 3.5, "3", "", "three", None, [3], {}, float("nan"), float("inf")])
def test_what_is_no_integer_is_refused(count: Any) -> None:
    assert refusal_of("count", count)


@pytest.mark.parametrize("zone", ["Europe/Paris", "Indian/Reunion", "America/Argentina/Ushuaia", "UTC"])
def test_an_iana_zone_is_kept(zone: str) -> None:
    assert load(zone=zone) == {"zone": zone}


@pytest.mark.parametrize("zone", ["", "Paris", "europe/paris", "GMT+1", "+02:00", "../../etc/passwd", "/etc/localtime"])
def test_an_unknown_zone_is_refused_with_an_example(zone: str) -> None:
    assert "Europe/Paris" in refusal_of("zone", zone)


@pytest.mark.parametrize(("given_code", "code"), [("FR", "FR"), ("be", "BE"), ("Re", "RE")])
def test_a_country_is_known_by_its_code(given_code: str, code: str) -> None:
    assert load(country=given_code) == {"country": code}


@pytest.mark.parametrize("country", ["", "F", "FRA", "France", "XX", "ZZ", "EU", "001", "F\u0000", "ß", "ﬁ", "é"])
def test_an_unknown_country_is_refused_with_an_example(country: str) -> None:
    assert "FR or BE" in refusal_of("country", country)


def test_we_speak_french_and_english() -> None:
    assert [load(language=language)["language"] for language in ("fr", "en")] == ["fr", "en"]
    for language in ("de", "FR", "fr-FR", ""):
        assert "Must be one of" in refusal_of("language", language)
