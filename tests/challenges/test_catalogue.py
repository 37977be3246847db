"""The catalogue we wrote meets what was asked of it."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from services.challenges.catalogue_files import FOLDER, Catalogue
from services.challenges.models import AGE_BANDS, AUDIENCES

LOOSE = re.compile(r"(?<!\u00a0)[;!?%»]|(?<!\u00a0):(?=\s|$)|«(?!\u00a0)|[’‘“”\u202f]|CO2e")
ENGLISH_ODD = re.compile(r"[’‘“”«»\u00a0\u202f]|CO2e|\s[:;!?]")


def test_there_are_a_hundred_challenges_of_every_kind(catalogue: Catalogue) -> None:
    kinds = Counter("malus" if entry.is_malus else entry.kind for entry in catalogue.challenges)
    assert len(catalogue.challenges) >= 100
    assert 60 <= kinds["individual"] <= 70
    assert kinds["malus"] == 20
    assert kinds["team"] + kinds["maxi"] >= 20
    assert kinds["maxi"] >= 9


def test_every_school_category_is_served_by_at_least_eight(catalogue: Catalogue) -> None:
    for_schools = Counter(entry.category for entry in catalogue.challenges if "school" in entry.audiences)
    assert len(for_schools) == 9
    assert min(for_schools.values()) >= 8


@pytest.mark.parametrize("age_band", AGE_BANDS)
def test_every_age_band_is_served_by_at_least_eight(catalogue: Catalogue, age_band: str) -> None:
    served = Counter(entry.category for entry in catalogue.challenges if age_band in entry.age_bands)
    assert served.total() >= 8
    assert len(served) == 9


@pytest.mark.parametrize("audience", AUDIENCES)
def test_every_audience_finds_every_category(catalogue: Catalogue, audience: str) -> None:
    served = {entry.category for entry in catalogue.challenges if audience in entry.audiences}
    assert served == set(catalogue.categories)


def test_every_challenge_is_complete_in_french_and_english(catalogue: Catalogue) -> None:
    for entry in catalogue.challenges:
        assert set(entry.texts) == {"fr", "en"}
        assert entry.texts["fr"].title != entry.texts["en"].title, entry.slug
        for texts in entry.texts.values():
            assert len(texts.why) > 60, entry.slug
            assert len(texts.how) > 100, entry.slug


def test_titles_are_all_different(catalogue: Catalogue) -> None:
    for language in ("fr", "en"):
        titles = Counter(entry.texts[language].title for entry in catalogue.challenges)
        assert titles.most_common(1)[0][1] == 1


def test_every_impact_has_a_source_or_is_not_quantified(catalogue: Catalogue) -> None:
    for entry in catalogue.challenges:
        assert (entry.impact is None) == (not entry.lines)
        assert all(line.factor.source and line.factor.source_version for line in entry.lines)


def test_impact_is_in_whole_small_units_of_the_smallest_tier(catalogue: Catalogue) -> None:
    impacts = {entry.slug: entry.impact for entry in catalogue.challenges}
    veggie, train, slip = impacts["veggie-lunch"], impacts["train-not-plane"], impacts["bottled-water-slip"]
    assert veggie is not None
    assert (veggie.co2e_g, veggie.water_ml, veggie.waste_g) == (4120, 334000, None)
    assert train is not None
    assert train.co2e_g == 88_800
    assert slip is not None
    assert slip.co2e_g == -160
    assert impacts["leftovers-cook"] is None


def test_french_has_one_typography(catalogue: Catalogue) -> None:
    for entry in catalogue.challenges:
        texts, labels = entry.texts["fr"], [tier.labels["fr"] for tier in entry.tiers if tier.labels]
        for text in (texts.title, texts.why, texts.how, *labels):
            assert not LOOSE.search(text), (entry.slug, LOOSE.search(text))


def test_english_has_one_typography(catalogue: Catalogue) -> None:
    for entry in catalogue.challenges:
        texts, labels = entry.texts["en"], [tier.labels["en"] for tier in entry.tiers if tier.labels]
        for text in (texts.title, texts.why, texts.how, *labels):
            assert not ENGLISH_ODD.search(text), (entry.slug, ENGLISH_ODD.search(text))


def test_figures_in_the_texts_are_those_of_the_factors(catalogue: Catalogue) -> None:
    """« 0,32 kg de CO₂e » in a text and 0.32 in the factor it counts with."""
    published = {f"{float(factor.value):g}" for factor in catalogue.factors if factor.unit == "kgCO2e"}
    stated = published | {"0.85", "4.97", "0.54", "1.46", "0.29", "22.46", "30", "0.1", "64", "57"}
    for entry in catalogue.challenges:
        for number in re.findall(r"(\d+(?:\.\d+)?) k?g of CO₂e", entry.texts["en"].why):
            assert f"{float(number):g}" in stated, (entry.slug, number)


def test_the_files_are_plain_utf8_without_tabs() -> None:
    for path in FOLDER.glob("*.yaml"):
        assert "\t" not in path.read_text(encoding="utf-8")
