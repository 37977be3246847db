"""The catalogue we wrote meets what was asked of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import pytest

from services.challenges.catalogue_files import FOLDER, Catalogue
from services.challenges.domain.catalogue import challenge_id_of
from services.challenges.models import AGE_BANDS, AUDIENCES
from shared.words import fold
from tests.house import House

LOOSE = re.compile(r"(?<!\u00a0)[;!?%»]|(?<!\u00a0):(?=\s|$)|«(?!\u00a0)|['\"‘“”\u202f]|CO2e")
ENGLISH_ODD = re.compile(r"['\"“”«»\u00a0\u202f]|CO2e|\s[:;!?]")


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


def every_text(catalogue: Catalogue, language: str) -> Iterator[tuple[str, str]]:
    """Whose it is, and the text: of categories, factors, challenges and their tiers."""
    for category, names in catalogue.categories.items():
        yield category, names[language]
    for factor in catalogue.factors:
        yield factor.factor, factor.means[language]
    for entry in catalogue.challenges:
        texts, labels = entry.texts[language], [tier.labels[language] for tier in entry.tiers if tier.labels]
        for text in (texts.title, texts.summary, texts.why, texts.how, *texts.keywords, *labels):
            yield entry.slug, text


@pytest.mark.parametrize(("language", "odd"), [("fr", LOOSE), ("en", ENGLISH_ODD)])
def test_each_language_has_one_typography(catalogue: Catalogue, language: str, odd: re.Pattern[str]) -> None:
    for name, text in every_text(catalogue, language):
        assert not odd.search(text), (name, odd.search(text))


def test_sources_have_no_straight_apostrophes(catalogue: Catalogue) -> None:
    sources = {source for entry in catalogue.challenges for source in entry.sources}
    assert not [source for source in sources if "'" in source]


INFINITIVE = r"(Ne rien |Se |S’)?\w+(er|ir|re)\b"


@pytest.mark.parametrize(("language", "starts"), [("fr", INFINITIVE), ("en", "[A-Z]")])
def test_a_summary_says_in_a_few_words_what_one_does(catalogue: Catalogue, language: str, starts: str) -> None:
    """In French in the infinitive: it fits a pupil, a colleague and a whole team."""
    summaries = Counter(entry.texts[language].summary for entry in catalogue.challenges)
    assert summaries.most_common(1)[0][1] == 1
    for summary in summaries:
        assert re.match(starts, summary), summary
        assert 3 <= len(summary.replace("’", " ").split()) <= 11, summary
        assert not re.search(r"\b(tu|ton|ta|tes|toi|vous|votre|I|my)\b|[.!?]$", summary), summary


def test_the_summary_of_a_malus_says_what_was_done(catalogue: Catalogue) -> None:
    for entry in catalogue.challenges:
        is_told = bool(re.match(r"(Avoir|Être|S’être) ", entry.texts["fr"].summary))
        assert is_told == entry.is_malus, entry.slug


OF_CHILDREN = re.compile(
    r"\b(adultes?|avec ta famille|(?<!grand-)parents?|récré|maître|collège|lycée|classe|ton école|à l’école|élèves?"
    r"|5.17|ton âge|grown-ups?|pupils?|the head|head teacher|your school|at school|your age)\b"
)
OF_EVERYBODY = re.compile(
    r"\b(si tu es|jeunes?|petits?|enfants?|ans|équipe|équipés|entreprise|bureau|travail|pause|cheffe|machine à café"
    r"|Météo|child|children|young\w*|little|under|team|employer|office|work|workplace|boss|council)\b",
    re.IGNORECASE,
)


def test_what_companies_are_offered_does_not_speak_to_children_alone(catalogue: Catalogue) -> None:
    """Who needs a grown-up is told so by the way; a school is named beside other places."""
    for entry in catalogue.challenges:
        if "company" not in entry.audiences:
            continue
        for texts in entry.texts.values():
            for sentence in re.split(r"(?<=[.!?]) ", f"{texts.title}. {texts.summary}. {texts.why} {texts.how}"):
                assert not OF_CHILDREN.search(sentence) or OF_EVERYBODY.search(sentence), (entry.slug, sentence)


TEN_WORDS = {
    "avion": "plane-trip",
    "voiture": "car-short-trip",
    "végétarien": "veggie-lunch",
    "compost": "peelings-to-compost",
    "train": "train-not-plane",
    "légumes": "season-plate",
    "email": "inbox-detox",
    "ascenseur": "lift-for-one-floor",
    "streaming": "board-game-beats-streaming",
    "tri": "battery-hunt",
}


@pytest.mark.parametrize(("word", "slug"), TEN_WORDS.items())
def test_what_people_type_finds_what_they_mean(loaded_house: House, word: str, slug: str) -> None:
    visitor = loaded_house.client("challenges")
    for typed in (word, word.upper(), fold(word), f"{word}s".replace("ss", "s")):
        found = visitor.get("/challenges/api/v1/challenges", query_string={"q": typed, "lang": "fr", "page_size": 100})
        assert slug in [one["slug"] for one in found.json], typed
        assert len(found.json) < 30, "a word that finds everything finds nothing"
        page = visitor.get("/challenges/", query_string={"q": typed, "lang": "fr"}).text
        assert str(challenge_id_of(slug)) in page


@pytest.mark.parametrize(
    ("word", "slug"),
    [
        ("plane", "plane-trip"),
        ("car", "car-short-trip"),
        ("vegetarian", "veggie-lunch"),
        ("batteries", "battery-hunt"),
        ("elevator", "lift-for-one-floor"),
        ("emails", "inbox-detox"),
    ],
)
def test_english_words_find_it_too(loaded_house: House, word: str, slug: str) -> None:
    visitor = loaded_house.client("challenges")
    found = visitor.get("/challenges/api/v1/challenges", query_string={"q": word, "lang": "en", "page_size": 100})
    assert slug in [one["slug"] for one in found.json]


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
