"""Taking access away: written into identity's own copy of the rules at once, and told to the other services."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from services.identity.domain.gate import own_tenant_id
from shared.auth import refuse_tokens
from shared.clock import utc_now
from shared.contracts import AccessRevoked
from shared.outbox import emit


def revoke_access(session: Session, person_id: UUID, session_id: UUID | None = None) -> None:
    """Refuses every access token given so far to a person, or to one of their sessions.

    Call it when the row of the person (or session) is already locked: the moment is read now and not when the
    transaction began, so that a token given by a refresh we had to wait for is refused too.
    """
    event = AccessRevoked(person_id=person_id, session_id=session_id, before=utc_now())
    refuse_tokens(session, own_tenant_id(session), event)
    emit(session, event)
