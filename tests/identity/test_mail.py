from __future__ import annotations

import datetime
import email
import ssl
from collections.abc import Iterator
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.identity.mail import MailNotSent, send_mail
from shared.jobs import Job
from shared.settings import Settings
from shared.tenancy import across_tenants
from tests.identity.steps import API, Steps

PAYLOAD = {
    "mail_id": "0190c0de-7a11-7000-8000-000000000001",
    "template": "invitation",
    "to": "ana@example.org",
    "language": "fr",
    "values": {"tenant": "École des Lilas 🌱", "link": "http://127.0.0.1:8000/identity/invitations/" + "x" * 43},
}


class Mailbox:
    """What an SMTP server received, and from whom."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.had_tls: list[bool] = []
        self.logins: list[tuple[bytes, bytes]] = []

    async def handle_DATA(self, _server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if envelope.rcpt_tos == ["refused@example.org"]:
            return "550 nobody here"
        self.messages.append(email.message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        self.had_tls.append(session.ssl is not None)
        return "250 OK"

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"p@ss word", handled=False)


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def plain(mailbox: Mailbox) -> Iterator[Controller]:
    with_login = {"auth_require_tls": False, "authenticator": mailbox.authenticate}
    server = Controller(mailbox, hostname="127.0.0.1", port=_free_port(), **with_login)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def encrypted(mailbox: Mailbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Controller]:
    context = _certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    server = Controller(
        mailbox, hostname="127.0.0.1", port=_free_port(), tls_context=context, authenticator=mailbox.authenticate
    )
    server.start()
    yield server
    server.stop()


@pytest.fixture
def wrapped(mailbox: Mailbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Controller]:
    context = _certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    server = Controller(mailbox, hostname="127.0.0.1", port=_free_port(), ssl_context=context)
    server.start()
    yield server
    server.stop()


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _certificate(folder: Path) -> ssl.SSLContext:
    """A certificate for localhost that nobody but this test trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return context


def test_a_mail_goes_through_smtp(mailbox: Mailbox, plain: Controller) -> None:
    send_mail(Settings(smtp_url=f"smtp://127.0.0.1:{plain.port}"), PAYLOAD)
    [message] = mailbox.messages
    assert message["To"] == "ana@example.org"
    assert message["Subject"] == "École des Lilas 🌱 vous invite sur Ma Petite Planète"
    assert message["From"].startswith("Ma Petite Planète <")
    assert PAYLOAD["values"]["link"] in message.get_content().splitlines()  # type: ignore[index]


def test_smtp_is_encrypted_where_the_server_offers_it(mailbox: Mailbox, encrypted: Controller) -> None:
    send_mail(Settings(smtp_url=f"smtp://mpp:p%40ss%20word@localhost:{encrypted.port}"), PAYLOAD)
    assert mailbox.had_tls == [True]
    assert mailbox.logins == [(b"mpp", b"p@ss word")]


def test_smtps_is_encrypted_from_the_start(mailbox: Mailbox, wrapped: Controller) -> None:
    send_mail(Settings(smtp_url=f"smtps://localhost:{wrapped.port}"), PAYLOAD)
    assert len(mailbox.messages) == 1


def test_a_server_with_a_false_certificate_gets_no_mail(mailbox: Mailbox, encrypted: Controller) -> None:
    with pytest.raises(MailNotSent, match="SSLCertVerificationError"):
        send_mail(Settings(smtp_url=f"smtp://127.0.0.1:{encrypted.port}"), PAYLOAD)
    assert mailbox.messages == []


def test_a_wrong_smtp_password_is_an_error(mailbox: Mailbox, plain: Controller) -> None:
    with pytest.raises(MailNotSent, match="SMTPAuthenticationError 535"):
        send_mail(Settings(smtp_url=f"smtp://mpp:wrong@127.0.0.1:{plain.port}"), PAYLOAD)


def test_an_error_names_no_recipient(plain: Controller) -> None:
    with pytest.raises(MailNotSent) as raised:
        send_mail(Settings(smtp_url=f"smtp://127.0.0.1:{plain.port}"), PAYLOAD | {"to": "refused@example.org"})
    assert "example" not in str(raised.value)
    assert raised.value.__suppress_context__


def test_a_mail_is_tried_again_when_the_server_is_away(steps: Steps, mailbox: Mailbox, plain: Controller) -> None:
    steps.found()
    steps.post("/password-resets", {"email": "camille@example.org"})
    away = msgspec.structs.replace(steps.house.settings, smtp_url=f"smtp://127.0.0.1:{_free_port()}")
    steps.run_jobs(away)
    with steps.database.transaction(across_tenants()) as session:
        job = session.scalars(sa.select(Job)).one()
        assert (job.state, job.error) == ("queued", "MailNotSent: ConnectionRefusedError")
        job.due_at = datetime.datetime.now(datetime.UTC)
    back = msgspec.structs.replace(steps.house.settings, smtp_url=f"smtp://127.0.0.1:{plain.port}")
    steps.run_jobs(back)
    assert len(mailbox.messages) == 1
    with steps.database.transaction(across_tenants(), read_only=True) as session:
        assert session.scalars(sa.select(Job)).one().payload == {}, "the token of the link is kept nowhere"


def test_a_mail_without_a_server_is_laid_into_the_folder(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    send_mail(settings, PAYLOAD)
    send_mail(settings, PAYLOAD)
    [path] = settings.mail_folder.iterdir()
    assert PAYLOAD["values"]["link"] in path.read_text()  # type: ignore[index]


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("template", ["invitation", "password_reset"])
def test_every_mail_exists_in_both_languages(tmp_path: Path, template: str, language: str) -> None:
    values = {"tenant": "École", "link": "http://x/identity/invitations/" + "x" * 43, "name": "Ana"}
    payload = PAYLOAD | {"template": template, "language": language, "values": values}
    send_mail(Settings(data=tmp_path), payload)
    text = next((tmp_path / "mail").iterdir()).read_text()
    assert ("Bonjour" in text) == (language == "fr")
    assert text.count(values["link"]) == 1


def test_a_name_cannot_break_out_of_the_subject(steps: Steps) -> None:
    client = steps.administrator(name="École {{ 7*7 }} <b>")
    client.post(f"{API}/invitations", json={"roles": ["player"], "email": "ana@example.org"})
    [mail] = steps.mails()
    assert "École {{ 7*7 }} <b>" in mail
