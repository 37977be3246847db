"""The environment, read once into one frozen object.

Every variable begins with MPP_; an unknown one is an error, so that a typing mistake is not silently a default.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import sqlalchemy as sa

PREFIX = "MPP_"


class SettingsError(Exception):
    """The environment cannot be used; the text says what to do."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Every setting, with its default for the embedded mode. `{service}` in a URL is replaced by the service's name."""

    data: Path = Path("data")
    database_url: str = "sqlite:///{data}/databases/{service}.db"
    bus_url: str = "memory://"
    jobs_url: str = "memory://"
    rate_limits_url: str = "memory://"
    host: str = "127.0.0.1"
    port: int = 8000
    public_url: str = ""
    web_threads: int = 8
    max_body_bytes: int = 1_048_576
    access_token_seconds: int = 300
    refresh_token_days: int = 30
    sign_in_attempts: str = "10 per 5 minutes"
    sign_in_attempts_per_address: str = "60 per 5 minutes"
    public_forms_per_address: str = "60 per hour"
    smtp_url: str = ""
    mail_from: str = "Ma Petite Planète <bonjour@mapetiteplanete.invalid>"
    log_level: str = "INFO"
    relay_batch: int = 1000

    def database_url_for(self, service: str) -> str:
        """The SQLAlchemy URL of one service's own database."""
        return self.database_url.replace("{service}", service).replace("{data}", str(self.data.resolve()))

    @property
    def address(self) -> str:
        """Where a browser finds us: no slash at the end. Links in mails begin with it."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def has_tls(self) -> bool:
        """Whether the public address is HTTPS: cookies are then marked Secure."""
        return self.address.startswith("https://")

    @property
    def log_file(self) -> Path:
        """Where the embedded mode logs, so that its terminal shows the addresses; other roles use standard error."""
        return self.data / "log" / "services.jsonl"

    @property
    def mail_folder(self) -> Path:
        """Where mails are written when no SMTP server is configured."""
        return self.data / "mail"


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Reads the MPP_ variables of an environment; the others are not ours.

    Raises SettingsError for an unknown name, a value of the wrong type or a contradiction.
    """
    given = {name[len(PREFIX) :].lower(): value for name, value in environment.items() if name.startswith(PREFIX)}
    unknown = sorted(set(given) - set(Settings.__struct_fields__))
    if unknown:
        known = ", ".join(PREFIX + field.upper() for field in Settings.__struct_fields__)
        raise SettingsError(
            f"Unknown setting {PREFIX}{unknown[0].upper()}: remove it or correct its name. The settings are: {known}."
        )
    try:
        settings = msgspec.convert(given, Settings, strict=False, dec_hook=_path)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$.")
        name = PREFIX + where.strip("`").upper()
        raise SettingsError(f"{name} has a wrong value: {what}. Correct it in the environment.") from error
    _check(settings)
    return settings


def _path(kind: type, value: object) -> Path:
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise NotImplementedError(f"no conversion to {kind}")


def _check(settings: Settings) -> None:
    if not 0 < settings.port < 65536:
        raise SettingsError(f"MPP_PORT is {settings.port}: choose a port between 1 and 65535.")
    for name in ("web_threads", "max_body_bytes", "access_token_seconds", "refresh_token_days", "relay_batch"):
        if getattr(settings, name) < 1:
            raise SettingsError(f"{PREFIX}{name.upper()} must be 1 or more.")
    if settings.log_level.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise SettingsError("MPP_LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR.")
    if "{service}" not in settings.database_url:
        raise SettingsError("MPP_DATABASE_URL must contain {service}: every service has a database of its own.")
    try:
        sa.engine.make_url(settings.database_url_for("x")).get_dialect()
    except sa.exc.ArgumentError as error:  # its text would show the password
        raise SettingsError("MPP_DATABASE_URL must look like sqlite:///folder/{service}.db.") from error
    if settings.public_url and urlsplit(settings.public_url).scheme not in ("http", "https"):
        raise SettingsError("MPP_PUBLIC_URL must begin with http:// or https://.")
    if settings.smtp_url and urlsplit(settings.smtp_url).scheme not in ("smtp", "smtps"):
        raise SettingsError("MPP_SMTP_URL must look like smtp://user:password@host:587 or smtps://host:465.")
