"""Browsing: the challenges on offer, one challenge, its versions, the categories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload, selectinload

from services.challenges.errors import NothingToSearch, UnknownCategory
from services.challenges.models import (
    AGE_BANDS,
    AUDIENCES,
    Category,
    Challenge,
    ChallengeAgeBand,
    ChallengeAudience,
    ChallengeText,
    ChallengeVersion,
)
from shared.contracts import Impact
from shared.errors import NotFound
from shared.words import forms_of


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a challenge as one reader sees it."""

    challenge_id: UUID
    slug: str
    version: int
    is_current: bool
    is_retired: bool
    published_at: datetime
    language: str
    title: str
    summary: str
    why: str
    how: str
    category: str
    kind: str
    is_malus: bool
    tiers: list[dict[str, Any]]
    audiences: list[str]
    age_bands: list[str]
    times: int
    per: str
    difficulty: str
    season: str
    impact: Impact | None
    impact_lines: list[dict[str, Any]]
    sources: list[str]
    texts: Sequence[ChallengeText]


class CategorySheet(msgspec.Struct, frozen=True, kw_only=True):
    """A category as one reader sees it."""

    category: str
    language: str
    name: str
    challenges: int


def offered_challenges(session: Session, filters: Mapping[str, Any], language: str) -> sa.Select[Any]:
    """The current versions on offer that fit every filter; words are looked for in the reader's language.

    Raises UnknownCategory, and NothingToSearch for a search without a word.
    """
    statement = (
        _versions().where(Challenge.is_retired.is_(False), ChallengeVersion.version == Challenge.version)
    ).order_by(ChallengeVersion.category, ChallengeVersion.is_malus, Challenge.slug, ChallengeVersion.challenge_id)
    for name in ("category", "kind", "difficulty", "is_malus"):
        if name in filters:
            statement = statement.where(getattr(ChallengeVersion, name) == filters[name])
    if "category" in filters:
        _check_category(session, filters["category"])
    if "audience" in filters:
        statement = statement.where(_has(ChallengeAudience, ChallengeAudience.audience == filters["audience"]))
    if "age_band" in filters:
        statement = statement.where(_has(ChallengeAgeBand, ChallengeAgeBand.age_band == filters["age_band"]))
    if "q" in filters:
        statement = statement.where(_has(ChallengeText, *_found(filters["q"], language)))
    return statement


def _versions() -> sa.Select[Any]:
    return (
        sa.select(ChallengeVersion)
        .join(ChallengeVersion.challenge)
        .options(
            joinedload(ChallengeVersion.challenge),
            selectinload(ChallengeVersion.texts),
            selectinload(ChallengeVersion.audiences),
            selectinload(ChallengeVersion.age_bands),
        )
    )


def _has(part: Any, *conditions: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """Whether a version has a part (an audience, an age band, a text) that meets the conditions."""
    return sa.exists().where(
        part.tenant_id == ChallengeVersion.tenant_id,
        part.challenge_id == ChallengeVersion.challenge_id,
        part.version == ChallengeVersion.version,
        *conditions,
    )


def _found(query: str, language: str) -> list[sa.ColumnElement[bool]]:
    wanted = forms_of(query)
    if not wanted:
        raise NothingToSearch
    whole = ChallengeText.words + " "
    return [ChallengeText.language == language, *(sa.or_(*map(whole.contains, forms)) for forms in wanted)]


def _check_category(session: Session, category: str) -> None:
    known = session.scalars(sa.select(Category.category).order_by(Category.category)).all()
    if category not in known:
        raise UnknownCategory(known)


def find_challenge(session: Session, challenge_id: UUID) -> ChallengeVersion:
    """The current version of a challenge, also of a retired one. Raises NotFound."""
    version: ChallengeVersion | None = session.scalar(
        _versions().where(Challenge.challenge_id == challenge_id, ChallengeVersion.version == Challenge.version)
    )
    if version is None:
        raise NotFound
    return version


def challenge_versions(session: Session, challenge_id: UUID) -> sa.Select[Any]:
    """Every version of a challenge, the newest first. Raises NotFound."""
    find_challenge(session, challenge_id)
    return _versions().where(Challenge.challenge_id == challenge_id).order_by(ChallengeVersion.version.desc())


def categories() -> sa.Select[Any]:
    """Every category."""
    return sa.select(Category).order_by(Category.category)


def count_by_category(session: Session) -> dict[str, int]:
    """How many challenges each category offers."""
    rows = session.execute(
        sa.select(ChallengeVersion.category, sa.func.count(ChallengeVersion.challenge_id).label("challenges"))
        .join(ChallengeVersion.challenge)
        .where(Challenge.is_retired.is_(False), ChallengeVersion.version == Challenge.version)
        .group_by(ChallengeVersion.category)
    )
    return {row.category: row.challenges for row in rows}


def sheet_of(version: ChallengeVersion, language: str) -> Sheet:
    """A version in the reader's language."""
    text = next((text for text in version.texts if text.language == language), version.texts[0])
    audiences = {row.audience for row in version.audiences}
    age_bands = {row.age_band for row in version.age_bands}
    return Sheet(
        challenge_id=version.challenge_id,
        slug=version.challenge.slug,
        version=version.version,
        is_current=version.version == version.challenge.version,
        is_retired=version.challenge.is_retired,
        published_at=version.published_at,
        language=text.language,
        title=text.title,
        summary=text.summary,
        why=text.why,
        how=text.how,
        category=version.category,
        kind=version.kind,
        is_malus=version.is_malus,
        tiers=[{**tier, "label": (tier["labels"] or {}).get(text.language)} for tier in version.tiers],
        audiences=[audience for audience in AUDIENCES if audience in audiences],
        age_bands=[band for band in AGE_BANDS if band in age_bands],
        times=version.times,
        per=version.per,
        difficulty=version.difficulty,
        season=version.season,
        impact=version.impact,
        impact_lines=[_line_sheet(line, text.language) for line in version.impact_lines],
        sources=version.sources,
        texts=version.texts,
    )


def _line_sheet(line: dict[str, Any], language: str) -> dict[str, Any]:
    amount = round(line["value"] * line["quantity"], 6)
    return {**line, "means": line["means"][language], "amount": amount}


def category_sheet(category: Category, counts: Mapping[str, int], language: str) -> CategorySheet:
    """A category in the reader's language."""
    name = category.names[language]
    return CategorySheet(
        category=category.category, language=language, name=name, challenges=counts.get(category.category, 0)
    )
