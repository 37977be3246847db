"""Mails: written from templates, sent through SMTP, or laid into a folder where no server is configured."""

from __future__ import annotations

import functools
import smtplib
import ssl
from collections.abc import Mapping
from email import policy
from email.message import EmailMessage
from email.utils import formatdate, parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.identity.domain.mails import DO_NOTHING, SEND_MAIL
from shared.jobs import JobHandler
from shared.settings import Settings

TIMEOUT_SECONDS = 20
LOOPBACK = ("localhost", "127.0.0.1", "::1")
_templates = Environment(  # plain text: nothing to escape
    loader=FileSystemLoader(Path(__file__).parent / "templates" / "mail"),
    undefined=StrictUndefined,
    keep_trailing_newline=True,
)


class MailNotSent(Exception):
    """The server did not take a mail. The text names no recipient, for it goes into logs; the job is tried again."""


def jobs(settings: Settings) -> Mapping[str, JobHandler]:
    """The background work of identity."""
    return {SEND_MAIL: functools.partial(send_mail, settings), DO_NOTHING: lambda _payload: None}


def send_mail(settings: Settings, payload: dict[str, Any]) -> None:
    """Job: writes a mail and sends it. Raises MailNotSent."""
    message = write_mail(settings, payload)
    if not settings.smtp_url:
        _lay_into(settings.mail_folder, payload["mail_id"], message)
        return
    try:
        _send(urlsplit(settings.smtp_url), message)
    except (smtplib.SMTPException, OSError) as error:
        code = getattr(error, "smtp_code", "")
        raise MailNotSent(f"{type(error).__name__} {code}".strip()) from None


def write_mail(settings: Settings, payload: dict[str, Any]) -> EmailMessage:
    """The message: the template's first line is its subject."""
    template = _templates.get_template(f"{payload['template']}.{payload['language']}.txt")
    subject, _, body = template.render(payload["values"]).partition("\n")
    message = EmailMessage()
    message["Subject"] = subject
    message["From"] = settings.mail_from
    message["To"] = payload["to"]
    message["Date"] = formatdate()
    domain = parseaddr(settings.mail_from)[1].rpartition("@")[2]
    message["Message-ID"] = f"<{payload['mail_id']}@{domain}>"  # the same when the job is run again
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(body.lstrip("\n"), cte="8bit")  # quoted-printable would cut the links in two
    return message


def _lay_into(folder: Path, mail_id: str, message: EmailMessage) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f".{mail_id}.part"
    unfinished.write_bytes(message.as_bytes(policy=policy.default.clone(max_line_length=0)))
    unfinished.replace(folder / f"{mail_id}.eml")


def _send(url: SplitResult, message: EmailMessage) -> None:
    with _connect(url) as server:
        if url.username:
            _check_privacy(url, server)
            server.login(unquote(url.username), unquote(url.password or ""))
        if not server.has_extn("8bitmime"):
            message.set_content(message.get_content(), cte="quoted-printable")
        server.send_message(message)


def _connect(url: SplitResult) -> smtplib.SMTP:
    host = url.hostname or "localhost"
    context = ssl.create_default_context()
    if url.scheme == "smtps":
        return smtplib.SMTP_SSL(host, url.port or 465, timeout=TIMEOUT_SECONDS, context=context)
    server = smtplib.SMTP(host, url.port or 587, timeout=TIMEOUT_SECONDS)
    server.ehlo()
    if server.has_extn("starttls"):
        server.starttls(context=context)
        server.ehlo()
    return server


def _check_privacy(url: SplitResult, server: smtplib.SMTP) -> None:
    if not isinstance(server.sock, ssl.SSLSocket) and url.hostname not in LOOPBACK:
        raise smtplib.SMTPNotSupportedError("the server offers no encryption for the password: use smtps://")
