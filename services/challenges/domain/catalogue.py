"""Loads the catalogue: what is new is published, what changed gets a new version, what is gone is retired."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid5

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.challenges.catalogue_files import Catalogue, Entry, Factor, Line, read_catalogue
from services.challenges.models import (
    AGE_BANDS,
    AUDIENCES,
    Category,
    Challenge,
    ChallengeAgeBand,
    ChallengeAudience,
    ChallengeText,
    ChallengeVersion,
    ImpactFactor,
)
from shared.clock import transaction_time
from shared.contracts import ChallengePublished, ChallengeRetired, Impact, Tier
from shared.outbox import emit
from shared.tenancy import PLATFORM_TENANT_ID
from shared.words import searchable

NAMESPACE = UUID("6f1d3c0e-5a53-5d5b-9d0b-3f6f2b8f4a10")
"""Makes the challenges' ids: every installation has the same ones. Never change it."""
OWNED = {"tenant_id": PLATFORM_TENANT_ID, "is_public": True}


class Loaded(msgspec.Struct, kw_only=True):
    """How many challenges a load touched, and how."""

    published: int = 0
    changed: int = 0
    retired: int = 0
    unchanged: int = 0


def challenge_id_of(slug: str) -> UUID:
    """The id of a challenge of the platform's catalogue."""
    return uuid5(NAMESPACE, slug)


def load_catalogue(session: Session, catalogue: Catalogue | None = None) -> Loaded:
    """Makes the platform's catalogue what the files say, in a session of the platform's tenant. Safe to run twice.

    Raises CatalogueError when the files have mistakes; nothing is changed then.
    """
    catalogue = catalogue or read_catalogue()
    _save_categories(session, catalogue.categories)
    _save_factors(session, catalogue.factors)
    known = {
        challenge.slug: challenge
        for challenge in session.scalars(sa.select(Challenge).where(Challenge.tenant_id == PLATFORM_TENANT_ID))
    }
    fingerprints = _current_fingerprints(session)
    loaded = Loaded()
    for entry in catalogue.challenges:
        challenge = known.get(entry.slug)
        if challenge is None:
            challenge = Challenge(**OWNED, challenge_id=challenge_id_of(entry.slug), slug=entry.slug, version=0)
            session.add(challenge)
            loaded.published += 1
        elif challenge.is_retired or fingerprints[challenge.challenge_id] != entry.fingerprint:
            loaded.changed += 1
        else:
            loaded.unchanged += 1
            continue
        _publish(session, challenge, entry)
    offered = {entry.slug for entry in catalogue.challenges}
    for slug in sorted(known.keys() - offered):
        loaded.retired += _retire(session, known[slug])
    return loaded


def _save_categories(session: Session, categories: dict[str, dict[str, str]]) -> None:
    for category, names in categories.items():
        session.merge(Category(**OWNED, category=category, names=names))
    session.flush()


def _save_factors(session: Session, factors: list[Factor]) -> None:
    for factor in factors:
        values = {**msgspec.structs.asdict(factor), "value": float(factor.value)}
        session.merge(ImpactFactor(**OWNED, **values))


def _current_fingerprints(session: Session) -> dict[UUID, str]:
    rows = session.execute(
        sa.select(ChallengeVersion.challenge_id, ChallengeVersion.fingerprint)
        .join(ChallengeVersion.challenge)
        .where(ChallengeVersion.version == Challenge.version, Challenge.tenant_id == PLATFORM_TENANT_ID)
    )
    return {row.challenge_id: row.fingerprint for row in rows}


def _publish(session: Session, challenge: Challenge, entry: Entry) -> None:
    """A new version, also for one that comes back unchanged: of two facts the higher version must be the later."""
    challenge.version += 1
    challenge.is_retired = False
    version = _version(challenge, entry, session)
    session.add(version)
    emit(session, challenge_published(challenge, version))


def challenge_published(challenge: Challenge, version: ChallengeVersion) -> ChallengePublished:
    """What a version says to the other services."""
    audiences = {row.audience for row in version.audiences}
    age_bands = {row.age_band for row in version.age_bands}
    return ChallengePublished(
        challenge_id=challenge.challenge_id,
        version=version.version,
        slug=challenge.slug,
        category=version.category,
        kind=version.kind,
        tiers=[Tier(tier=tier["tier"], points=tier["points"], labels=tier["labels"] or {}) for tier in version.tiers],
        audiences=[audience for audience in AUDIENCES if audience in audiences],
        age_bands=[band for band in AGE_BANDS if band in age_bands],
        times=version.times,
        per=version.per,
        impact=version.impact,
        titles={text.language: text.title for text in version.texts},
        summaries={text.language: text.summary for text in version.texts if text.summary},
        words={text.language: text.words.strip() for text in version.texts},
    )


def _version(challenge: Challenge, entry: Entry, session: Session) -> ChallengeVersion:
    return ChallengeVersion(
        **OWNED,
        challenge=challenge,
        version=challenge.version,
        fingerprint=entry.fingerprint,
        published_at=transaction_time(session),
        category=entry.category,
        kind=entry.kind,
        difficulty=entry.difficulty,
        season=entry.season,
        is_malus=entry.is_malus,
        times=entry.times,
        per=entry.per,
        tiers=[msgspec.to_builtins(tier) for tier in entry.tiers],
        impact_lines=[_line(line) for line in entry.lines],
        **msgspec.structs.asdict(entry.impact or Impact()),
        sources=entry.sources,
        texts=_texts(entry),
        audiences=[ChallengeAudience(**OWNED, audience=audience) for audience in entry.audiences],
        age_bands=[ChallengeAgeBand(**OWNED, age_band=band) for band in entry.age_bands],
    )


def _line(line: Line) -> dict[str, Any]:
    """A copy of the factor: what its file says later does not touch this version."""
    factor = msgspec.to_builtins(line.factor)
    return {**factor, "value": float(line.factor.value), "quantity": float(line.quantity)}


def _texts(entry: Entry) -> list[ChallengeText]:
    return [
        ChallengeText(
            **OWNED,
            language=language,
            title=texts.title,
            summary=texts.summary,
            why=texts.why,
            how=texts.how,
            words=searchable(texts.title, texts.summary, texts.why, texts.how, *texts.keywords),
        )
        for language, texts in entry.texts.items()
    ]


def _retire(session: Session, challenge: Challenge) -> bool:
    """Whether it was still offered."""
    if challenge.is_retired:
        return False
    challenge.is_retired = True
    emit(session, ChallengeRetired(challenge_id=challenge.challenge_id, version=challenge.version))
    return True
