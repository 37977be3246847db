"""Every mistake in the files is named with its file, its challenge and its field."""

from __future__ import annotations

from typing import Any

import pytest

from services.challenges.catalogue_files import CatalogueError, read_catalogue
from tests.challenges.conftest import Files

GOOD_TEXTS = {"title": "Un titre", "summary": "Faire cela", "why": "Parce que.", "how": "Comme ceci."}


def problems_of(files: Files) -> list[str]:
    with pytest.raises(CatalogueError) as caught:
        read_catalogue(files.folder)
    return caught.value.problems


def test_a_folder_without_mistakes_is_read(files: Files) -> None:
    assert set(read_catalogue(files.folder).categories) == {"food", "waste"}


@pytest.mark.parametrize(
    ("fields", "field", "advice"),
    [
        ({"kind": "solo"}, "kind", "Must be one of: individual, team, maxi."),
        ({"kind": None}, "kind", "Is missing: add it."),
        ({"kind": "maxxi", "difficulty": "hard"}, "kind", "Must be one of"),
        ({"points": 11}, "points", "Must be greater than or equal to -10 and less than or equal to 10."),
        ({"points": 0}, "points", "Must not be zero."),
        ({"points": "three"}, "points", "Must be a whole number."),
        ({"points": None}, "points", "Give either `points` or `tiers`."),
        ({"audiences": ["public"]}, "audiences.1", "Must be one of: community, company, school."),
        ({"audiences": []}, "audiences", "Give at least one of: community, company, school."),
        ({"audiences": ["school", "school"]}, "audiences", "Says the same thing twice: remove one."),
        ({"audiences": ["company"]}, "age_bands", "Remove it, or add the audience school."),
        ({"age_bands": None}, "age_bands", "Add the age bands of the pupils."),
        ({"age_bands": ["7-10"]}, "age_bands.1", "Must be one of"),
        ({"repeat": {"times": 0, "per": "day"}}, "repeat.times", "Must be greater than or equal to 1"),
        ({"repeat": {"times": 1, "per": "month"}}, "repeat.per", "Must be one of: day, week, edition."),
        ({"season": "monsoon"}, "season", "Must be one of"),
        ({"impact": "none"}, "impact", "or the words: not quantified."),
        ({"impact": [{"factor": "made-up", "quantity": 1}]}, "impact.1.factor", "There is no factor made-up"),
        ({"impact": [{"factor": "coffee-cup-co2e"}]}, "impact.1.quantity", "Is missing: add it."),
        ({"impact": [{"factor": "coffee-cup-co2e", "quantity": 0}]}, "impact.1.quantity", "Must not be zero."),
        ({"impact": [{"factor": "coffee-cup-co2e", "quantity": -1}]}, "impact", "negative for a malus"),
        ({"impact": [{"factor": "coffee-cup-co2e", "quantity": 1}] * 2}, "impact", "Names the same factor twice"),
        ({"fr": None}, "fr", "Is missing: add it."),
        ({"fr": {**GOOD_TEXTS, "title": "x" * 81}}, "fr.title", "Too long: 80 characters at most."),
        ({"fr": {**GOOD_TEXTS, "summary": "x" * 81}}, "fr.summary", "Too long: 80 characters at most."),
        ({"en": {**GOOD_TEXTS, "summary": None}}, "en.summary", "Is empty: fill it in."),
        ({"en": {**GOOD_TEXTS, "keywords": "plane"}}, "en.keywords", "Must be a list"),
        ({"en": {**GOOD_TEXTS, "keywords": ["plane", "plane"]}}, "en.keywords", "Says the same thing twice"),
        ({"en": {**GOOD_TEXTS, "how": " "}}, "en.how", "This cannot be empty."),
        ({"en": {**GOOD_TEXTS, "why": None}}, "en.why", "Is empty: fill it in."),
        ({"en": {**GOOD_TEXTS, "why": "a\u0007bell"}}, "en.why", "There is a control character in it"),
        ({"colour": "green"}, "colour", "Is not a field we know: correct its spelling or remove it."),
        ({"sources": "ADEME"}, "sources", "Must be a list"),
        ({"repeat": "often"}, "repeat", "Must be a list of `name: value` lines."),
    ],
)
def test_a_mistake_names_file_challenge_and_field(
    files: Files, fields: dict[str, Any], field: str, advice: str
) -> None:
    files.change("food.yaml", "veggie-lunch", **fields)
    (problem,) = problems_of(files)
    assert problem.startswith(f"food.yaml, challenge veggie-lunch, field {field}: ")
    assert advice in problem


@pytest.mark.parametrize(
    ("points", "advice"),
    [
        ([-2, 4], "Every tier gives points, or every tier takes some away; none is zero."),
        ([-4, -2], "Put the smallest tier first"),
        ([-2], "Give 2 to 10 tiers"),
    ],
)
def test_tiers_are_checked_together(files: Files, points: list[int], advice: str) -> None:
    tiers = [{"tier": f"t{n}", "points": value, "fr": "un", "en": "one"} for n, value in enumerate(points)]
    files.change("food.yaml", "meat-over-the-quota", tiers=tiers)
    assert any(
        problem.startswith("food.yaml, challenge meat-over-the-quota, field tiers: ") and advice in problem
        for problem in problems_of(files)
    )


def test_a_mistake_inside_a_tier_is_counted_from_one(files: Files) -> None:
    tiers = [{"tier": "one", "points": -1, "fr": "un", "en": "one"}, {"tier": "two", "points": -2, "fr": "deux"}]
    files.change("food.yaml", "meat-over-the-quota", tiers=tiers)
    (problem,) = problems_of(files)
    assert problem == "food.yaml, challenge meat-over-the-quota, field tiers.2.en: Is missing: add it."


def test_a_malus_must_be_individual(files: Files) -> None:
    files.change("food.yaml", "food-thrown-away", kind="team")
    assert problems_of(files) == ["food.yaml, challenge food-thrown-away, field kind: A malus must be individual."]


def test_all_mistakes_are_told_at_once(files: Files) -> None:
    files.change("food.yaml", "veggie-lunch", kind="solo", points=99)
    files.change("waste.yaml", "battery-hunt", season="never")
    problems = problems_of(files)
    assert len(problems) == 3
    assert {problem.split(",")[0] for problem in problems} == {"food.yaml", "waste.yaml"}


def test_a_name_taken_in_another_file_is_refused(files: Files) -> None:
    files.change("waste.yaml", "battery-hunt", challenge="veggie-lunch")
    (problem,) = problems_of(files)
    assert problem.startswith("waste.yaml, challenge veggie-lunch, field challenge: This name is already taken in food")


def test_a_challenge_without_a_name_is_told_by_its_number(files: Files) -> None:
    files.change("food.yaml", "vegan-feast", challenge=None)
    (problem,) = problems_of(files)
    assert problem == "food.yaml, challenge number 2, field challenge: Is missing: add it."


def test_a_broken_factor_is_told_once_and_not_by_all_who_use_it(files: Files) -> None:
    factors = files.read("impact_factors.yaml")
    factors[0]["value"] = -4
    files.write("impact_factors.yaml", [{**factor, "valid_from": "2026-07-01"} for factor in factors])
    (problem,) = problems_of(files)
    assert problem.startswith("impact_factors.yaml, factor vegetarian-instead-of-beef-co2e, field value: Must be above")


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("category: {fr: 'a', en: 'b'\nchallenges: []", "Is not valid YAML"),
        ("category: {fr: 'a', en: 'b'}\nchallenges: []\nchallenges: []", "`challenges` is given twice"),
        ("- challenge: veggie-lunch", "field challenges: Must be a list of challenges"),
        ("category: {fr: 'a', en: 'b'}\nchallenges: 3", "field challenges: Must be a list of challenges"),
        ("category: {fr: 'a'}\nchallenges: []", "category, field en: Is missing: add it."),
        ("category: {fr: 'a', en: 'b'}\nchallenges: []\nextra: 1", "field extra: Is not a field we know"),
        ("category: {fr: 'a', en: 'b'}\nchallenges: [soup]", "challenge number 1: Must be a list of `name: value`"),
        ("category: {fr: 'a', en: 'b'}\nchallenges: [{[1]: 2}]", "food.yaml"),
    ],
)
def test_a_broken_file_is_named(files: Files, text: str, advice: str) -> None:
    (files.folder / "food.yaml").write_text(text, encoding="utf-8")
    (problem,) = problems_of(files)
    assert problem.startswith("food.yaml")
    assert advice in problem


def test_a_syntax_error_names_the_line(files: Files) -> None:
    (files.folder / "food.yaml").write_text(
        "category: {fr: a, en: b}\nchallenges:\n  - 'never closed", encoding="utf-8"
    )
    (problem,) = problems_of(files)
    assert problem.startswith("food.yaml, line 3")


def test_a_file_in_another_encoding_is_named(files: Files) -> None:
    (files.folder / "food.yaml").write_bytes("catégorie".encode("latin-1"))
    assert problems_of(files) == ["food.yaml: Is not UTF-8: save it with that encoding."]


def test_a_folder_without_files_is_refused(files: Files) -> None:
    for path in files.folder.iterdir():
        path.unlink()
    problems = problems_of(files)
    assert any("There is no category file here" in problem for problem in problems)
    assert any(problem.startswith("impact_factors.yaml: There is no such file") for problem in problems)
