"""Time: aware, UTC, read once per transaction."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session


def utc_now() -> datetime:
    """The wall clock, aware, in UTC."""
    return datetime.now(UTC)


def transaction_time(session: Session) -> datetime:
    """The moment this transaction happens at: read once, so that a check and its act agree about the closing second.

    A simulation sets `session.info["now"]` when it opens the session.
    """
    now: datetime = session.info.setdefault("now", utc_now())
    return now


def at_wall_clock(local: datetime, zone: str) -> datetime:
    """The instant at which the clocks of `zone` show `local` (naive).

    A time that a change of clocks skips is taken with the offset before the change, and one that happens twice is
    its first occurrence: what `zoneinfo` calls fold=0.
    """
    return local.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)


def local_day(moment: datetime, zone: str) -> date:
    """The calendar day that `zone` lives at `moment`."""
    return moment.astimezone(ZoneInfo(zone)).date()
