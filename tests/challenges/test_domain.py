"""Loading the catalogue: published once, a new version on change, retired when gone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from services.challenges.app import SERVICE, load_folder
from services.challenges.catalogue_files import Catalogue, CatalogueError, read_catalogue
from services.challenges.domain.catalogue import Loaded, challenge_id_of, load_catalogue
from services.challenges.models import Challenge, ChallengeVersion, ImpactFactor
from shared.consumer import read_envelope
from shared.contracts import ChallengePublished, ChallengeRetired, Impact, Tier
from shared.database import Database
from shared.outbox import OutboxRow
from shared.settings import SettingsError
from shared.tenancy import PLATFORM_TENANT_ID, PUBLIC, across_tenants, of_tenant
from shared.words import forms_of, has_all, searchable, words_of
from tests.challenges.conftest import Files
from tests.house import House


def load(house: House, files: Files) -> Loaded:
    return load_folder(house.databases["challenges"], files.folder)


def events_of(house: House) -> list[Any]:
    with house.databases["challenges"].transaction(across_tenants()) as session:
        rows = session.scalars(sa.select(OutboxRow).order_by(OutboxRow.position)).all()
        return [read_envelope(row.envelope.encode()) for row in rows]


def version_of(house: House, slug: str, version: int) -> ChallengeVersion:
    with house.databases["challenges"].transaction(PUBLIC) as session:
        key = (PLATFORM_TENANT_ID, challenge_id_of(slug), version)
        found = session.get(ChallengeVersion, key)
        assert found is not None
        return found


def test_the_first_load_publishes_everything(house: House, catalogue: Catalogue) -> None:
    with house.databases["challenges"].transaction(of_tenant(PLATFORM_TENANT_ID)) as session:
        loaded = load_catalogue(session)
    assert loaded == Loaded(published=len(catalogue.challenges))
    events = events_of(house)
    assert len(events) == len(catalogue.challenges)
    assert {type(event.data) for event in events} == {ChallengePublished}
    assert {event.tenant_id for event in events} == {PLATFORM_TENANT_ID}


def test_an_event_says_what_the_game_needs(house: House, files: Files) -> None:
    load(house, files)
    events = {event.data.slug: event.data for event in events_of(house)}
    assert events["veggie-lunch"] == ChallengePublished(
        challenge_id=challenge_id_of("veggie-lunch"),
        version=1,
        slug="veggie-lunch",
        category="food",
        kind="individual",
        tiers=[Tier(tier="standard", points=2)],
        audiences=["community", "company", "school"],
        age_bands=["3-5", "6-10", "11-14", "15-18"],
        times=1,
        per="day",
        impact=Impact(co2e_g=4120, water_ml=334_000),
        titles={"fr": "Aujourd’hui, la vache est en congé", "en": "Give the cow the day off"},
        summaries={"fr": "Manger un repas sans viande ni poisson", "en": "Eat a meal without meat or fish"},
        words=events["veggie-lunch"].words,
    )
    assert {"vache", "manger", "litres", "lentilles", "vegetarien"} <= set(events["veggie-lunch"].words["fr"].split())
    assert {"cow", "eat", "litres", "lentil", "vegetarian"} <= set(events["veggie-lunch"].words["en"].split())
    assert [tier.points for tier in events["meat-over-the-quota"].tiers] == [-2, -4, -6]
    assert events["leftovers-cook"].impact is None


def test_loading_twice_changes_nothing(house: House, files: Files) -> None:
    first = load(house, files)
    before = len(events_of(house))
    assert load(house, files) == Loaded(unchanged=first.published)
    assert len(events_of(house)) == before


def test_another_order_of_the_same_facts_is_no_change(house: House, files: Files) -> None:
    load(house, files)
    content = files.read("food.yaml")
    content["challenges"].reverse()
    files.write("food.yaml", content)
    files.change("food.yaml", "veggie-lunch", audiences=["school", "community", "company"])
    assert load(house, files).changed == 0


def test_a_changed_challenge_gets_a_new_version_and_the_old_one_stays(house: House, files: Files) -> None:
    load(house, files)
    files.change("food.yaml", "veggie-lunch", points=9, impact="not quantified")
    assert load(house, files).changed == 1
    event = events_of(house)[-1].data
    assert isinstance(event, ChallengePublished)
    assert (event.slug, event.version, event.tiers[0].points, event.impact) == ("veggie-lunch", 2, 9, None)
    old = version_of(house, "veggie-lunch", 1)
    assert old.tiers == [{"tier": "standard", "points": 2, "labels": None}]
    assert old.impact == Impact(co2e_g=4120, water_ml=334_000)


def test_a_new_figure_makes_new_versions_of_those_who_count_with_it(house: House, files: Files) -> None:
    load(house, files)
    factors = files.read("impact_factors.yaml")
    for factor in factors:
        factor["valid_from"] = str(factor["valid_from"])
        if factor["factor"] == "coffee-cup-co2e":
            factor.update(value=0.12, source_version="2027-07-01")
    files.write("impact_factors.yaml", factors)
    assert load(house, files).changed == 1
    assert version_of(house, "coffee-pause", 1).co2e_g == 100
    assert version_of(house, "coffee-pause", 2).co2e_g == 120
    with house.databases["challenges"].transaction(PUBLIC) as session:
        editions = session.scalars(
            sa.select(ImpactFactor.value).where(ImpactFactor.factor == "coffee-cup-co2e").order_by(ImpactFactor.value)
        ).all()
    assert editions == [0.1, 0.12]


def test_a_removed_challenge_is_retired_once(house: House, files: Files) -> None:
    load(house, files)
    files.remove("food.yaml", "veggie-lunch")
    assert load(house, files).retired == 1
    retired = events_of(house)[-1].data
    assert retired == ChallengeRetired(challenge_id=challenge_id_of("veggie-lunch"), version=1)
    assert load(house, files).retired == 0


def test_a_challenge_that_comes_back_gets_a_higher_version(house: House, files: Files) -> None:
    load(house, files)
    before = (files.folder / "food.yaml").read_bytes()
    files.remove("food.yaml", "veggie-lunch")
    load(house, files)
    (files.folder / "food.yaml").write_bytes(before)
    assert load(house, files).changed == 1
    assert events_of(house)[-1].data.version == 2
    with house.databases["challenges"].transaction(PUBLIC) as session:
        challenge = session.get(Challenge, (PLATFORM_TENANT_ID, challenge_id_of("veggie-lunch")))
        assert challenge is not None
        assert not challenge.is_retired


def test_a_mistake_in_one_file_changes_nothing(house: House, files: Files) -> None:
    load(house, files)
    before = len(events_of(house))
    files.change("food.yaml", "veggie-lunch", points=3)
    files.change("waste.yaml", "battery-hunt", kind="solo")
    with pytest.raises(CatalogueError):
        load(house, files)
    assert len(events_of(house)) == before


def test_every_installation_has_the_same_ids() -> None:
    assert str(challenge_id_of("veggie-lunch")) == "31e63770-ad55-5cd6-9bbe-f127345ec1a6"


def test_migrating_loads_the_catalogue(house: House, catalogue: Catalogue) -> None:
    assert SERVICE.after_migrate is not None
    SERVICE.after_migrate(house.databases["challenges"], house.settings)
    SERVICE.after_migrate(house.databases["challenges"], house.settings)
    assert len(events_of(house)) == len(catalogue.challenges)


def test_migrating_with_broken_files_says_so(house: House, files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    files.change("food.yaml", "veggie-lunch", points=None)
    monkeypatch.setattr("services.challenges.app.read_catalogue", lambda folder: read_catalogue(files.folder))
    assert SERVICE.after_migrate is not None
    with pytest.raises(SettingsError, match=r"food\.yaml, challenge veggie-lunch, field points"):
        SERVICE.after_migrate(house.databases["challenges"], house.settings)


def test_models_and_migrations_agree(empty_template: Path) -> None:
    from shared.migrations import differences

    database = Database(f"sqlite:///{empty_template}/challenges.db")
    assert differences("challenges", database) == []
    database.close()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Vélo, VÉLO !", ["velo"]),
        ("Cœur d'œuf", ["coeur", "d", "oeuf"]),
        ("l'eau_chaude à 19 °C", ["l", "eau", "chaude", "a", "19", "c"]),
        ("CO₂e", ["co2e"]),
        ("Straße", ["strasse"]),
        ("🚲 !?", []),
        ("%_", []),
    ],
)
def test_words_are_folded(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_searchable_text_begins_every_word_with_a_space() -> None:
    assert searchable("Le Vélo", "à vélo") == " le velo a"


@pytest.mark.parametrize(
    ("query", "text", "is_found"),
    [
        ("légumes", "Un légume", True),
        ("légume", "Des LÉGUMES", True),
        ("végétarien", "Une recette végétarienne", True),
        ("journaux", "Le journal", True),
        ("animal", "Des animaux", True),
        ("batteries", "A battery", True),
        ("repas", "Réparer", False),
        ("tri", "Tricher", False),
        ("tri", "Le tri des piles", True),
        ("eau", "Les eaux", True),
        ("jeux", "Un jeu", True),
        ("car", "A carrot", False),
        ("co2", "12 kg de CO₂e", True),
        ("l'avion", "Prendre un avion", True),
        ("prendre l’avion", "Avoir pris l’avion", False),
        ("vélo train", "Le train", False),
    ],
)
def test_what_a_query_finds(query: str, text: str, is_found: bool) -> None:
    assert has_all(searchable(text), forms_of(query)) is is_found
