"""Mails to send once the transaction is committed; `services.identity.mail` writes and sends them."""

from __future__ import annotations

from sqlalchemy.orm import Session

from services.identity.domain.gate import own_tenant_id
from shared.database import new_id
from shared.jobs import enqueue
from shared.tenancy import COMMUNITY_TENANT_ID

SEND_MAIL = "send_mail"
DO_NOTHING = "do_nothing"


def post_mail(session: Session, template: str, to: str, language: str, **values: str) -> None:
    """Queues a mail made from `templates/mail/<template>.<language>.txt`."""
    payload = {"mail_id": str(new_id()), "template": template, "to": to, "language": language, "values": values}
    enqueue(session, SEND_MAIL, payload, tenant_id=own_tenant_id(session))


def post_nothing(session: Session) -> None:
    """Queues a job that does nothing: for a request that must take as long as one that sends a mail."""
    enqueue(session, DO_NOTHING, {}, tenant_id=COMMUNITY_TENANT_ID)
