"""How fresh the boards are."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.ranking.models import EDITION, LIVE, Summary


def newest_shown(session: Session) -> datetime | None:
    """The moment of the newest event that a live board contains; None before the first."""
    return session.scalar(sa.select(sa.func.max(Summary.as_of)).where(Summary.scope == EDITION, Summary.view == LIVE))
