"""What challenges can tell again: the version of each challenge that is played now, and which are retired."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from services.challenges.domain.catalogue import challenge_published
from services.challenges.models import Challenge, ChallengeVersion
from shared.announcing import Announcement, Fact
from shared.contracts import ChallengeRetired


def _challenges(_session: Session, rows: Sequence[Any]) -> Iterator[Fact]:
    for challenge, version in rows:
        yield Fact(challenge.tenant_id, version.published_at, challenge_published(challenge, version))
        if challenge.is_retired:
            event = ChallengeRetired(challenge_id=challenge.challenge_id, version=challenge.version)
            yield Fact(challenge.tenant_id, version.published_at, event)


ANNOUNCEMENTS = (
    Announcement(
        name="challenges",
        key=(Challenge.tenant_id, Challenge.challenge_id),
        rows=sa.select(Challenge, ChallengeVersion)
        .join(
            ChallengeVersion,
            sa.and_(
                ChallengeVersion.tenant_id == Challenge.tenant_id,
                ChallengeVersion.challenge_id == Challenge.challenge_id,
                ChallengeVersion.version == Challenge.version,
            ),
        )
        .options(
            selectinload(ChallengeVersion.texts),
            selectinload(ChallengeVersion.audiences),
            selectinload(ChallengeVersion.age_bands),
        ),
        facts=_challenges,
    ),
)
