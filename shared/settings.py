"""The environment, read once into one frozen object.

Every variable begins with MPP_; an unknown one is an error, so that a typing mistake is not silently a default.
"""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import sqlalchemy as sa

PREFIX = "MPP_"
KNOWN_DATABASES = (("sqlite", "sqlite"), ("postgresql", "postgresql+psycopg"))
SECURITY = ("plaintext", "ssl", "sasl_plaintext", "sasl_ssl")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
AT_LEAST_ONE = (
    "web_threads",
    "max_body_bytes",
    "access_token_seconds",
    "refresh_token_days",
    "relay_batch",
    "consumer_batch",
    "kafka_partitions",
    "kafka_replication",
)


class SettingsError(Exception):
    """The environment cannot be used; the text says what to do."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Every setting, with its default for the embedded mode. `{service}` in a URL is replaced by the service's name."""

    data: Path = Path("data")
    database_url: str = "sqlite:///{data}/databases/{service}.db"
    owner_database_url: str = ""
    database_pool: int = 0
    bus_url: str = "memory://"
    kafka_security: str = "plaintext"
    kafka_mechanism: str = "SCRAM-SHA-512"
    kafka_user: str = ""
    kafka_password: str = ""
    kafka_ca: str = ""
    kafka_certificate: str = ""
    kafka_key: str = ""
    kafka_partitions: int = 12
    kafka_replication: int = 1
    kafka_retention_days: int = 0
    consumer_group: str = ""
    consumer_batch: int = 4000
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
    invited_by_mail: str = "500 per day"
    smtp_url: str = ""
    mail_from: str = "Ma Petite Planète <bonjour@mapetiteplanete.invalid>"
    contact: str = ""
    traces_url: str = ""
    log_level: str = "INFO"
    relay_batch: int = 1000

    def database_url_for(self, service: str) -> str:
        """The SQLAlchemy URL of one service's own database, for the role that runs."""
        return self._filled(self.database_url, service)

    def owner_database_url_for(self, service: str) -> str:
        """The URL of the same database for the role that owns its tables and migrates them."""
        return self._filled(self.owner_database_url or self.database_url, service)

    def _filled(self, url: str, service: str) -> str:
        return url.replace("{service}", service).replace("{data}", str(self.data.resolve()))

    @property
    def pool(self) -> int:
        """How many connections one process may open to its database: each thread's, the relay's and one for health."""
        return self.database_pool or self.web_threads + 2

    @property
    def is_embedded(self) -> bool:
        """Whether the four services live in one process."""
        return self.bus_url.startswith("memory:")

    @property
    def uses_files(self) -> bool:
        """Whether the databases are files of this machine."""
        return self.database_url.startswith("sqlite")

    @property
    def address(self) -> str:
        """Where a browser finds us: no slash at the end. Links in mails begin with it."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def contact_address(self) -> str:
        """The address people write to: `contact`, else that of our mails; empty while nobody reads either."""
        address = self.contact or parseaddr(self.mail_from)[1]
        return "" if address.endswith(".invalid") else address

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
    for name in AT_LEAST_ONE:
        if getattr(settings, name) < 1:
            raise SettingsError(f"{PREFIX}{name.upper()} must be 1 or more.")
    for name in ("database_pool", "kafka_retention_days"):
        if getattr(settings, name) < 0:
            raise SettingsError(f"{PREFIX}{name.upper()} must be 0 or more.")
    if settings.log_level.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise SettingsError("MPP_LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR.")
    if settings.public_url and urlsplit(settings.public_url).scheme not in ("http", "https"):
        raise SettingsError("MPP_PUBLIC_URL must begin with http:// or https://.")
    if settings.traces_url and urlsplit(settings.traces_url).scheme not in ("http", "https"):
        raise SettingsError("MPP_TRACES_URL must look like http://collector:4318/v1/traces.")
    if settings.contact and ("@" not in settings.contact or parseaddr(settings.contact)[1] != settings.contact):
        raise SettingsError("MPP_CONTACT must be an e-mail address alone, such as bonjour@planet.example.org.")
    if settings.smtp_url and urlsplit(settings.smtp_url).scheme not in ("smtp", "smtps"):
        raise SettingsError("MPP_SMTP_URL must look like smtp://user:password@host:587 or smtps://host:465.")
    _check_databases(settings)
    _check_kafka(settings)


def _check_databases(settings: Settings) -> None:
    kinds = []
    for name, url in (
        ("MPP_DATABASE_URL", settings.database_url_for("x")),
        ("MPP_OWNER_DATABASE_URL", settings.owner_database_url_for("x")),
    ):
        try:
            made = sa.engine.make_url(url)
            made.get_dialect()
        except (sa.exc.ArgumentError, ImportError) as error:  # its text would show the password
            raise SettingsError(
                f"{name} must look like sqlite:///folder/{{service}}.db or postgresql+psycopg://user:password@host/name."
            ) from error
        if (made.get_backend_name(), made.drivername) not in KNOWN_DATABASES:
            raise SettingsError(f"{name} begins with {made.drivername}: use sqlite:// or postgresql+psycopg://.")
        kinds.append(made.get_backend_name())
    if kinds[0] != kinds[1]:
        raise SettingsError("MPP_DATABASE_URL and MPP_OWNER_DATABASE_URL must name the same database.")


def _check_kafka(settings: Settings) -> None:
    if settings.kafka_security not in SECURITY:
        raise SettingsError(f"MPP_KAFKA_SECURITY must be one of {', '.join(SECURITY)}.")
    if settings.kafka_mechanism not in MECHANISMS:
        raise SettingsError(f"MPP_KAFKA_MECHANISM must be one of {', '.join(MECHANISMS)}.")
    needs_password = settings.kafka_security.startswith("sasl")
    if needs_password and not (settings.kafka_user and settings.kafka_password):
        raise SettingsError(
            f"MPP_KAFKA_SECURITY is {settings.kafka_security}: set MPP_KAFKA_USER and MPP_KAFKA_PASSWORD too."
        )
    if settings.kafka_password and not needs_password:
        raise SettingsError(
            f"MPP_KAFKA_PASSWORD is set, but MPP_KAFKA_SECURITY is {settings.kafka_security}: set it to sasl_ssl."
        )
    if bool(settings.kafka_certificate) != bool(settings.kafka_key):
        raise SettingsError("MPP_KAFKA_CERTIFICATE and MPP_KAFKA_KEY belong together: set both or neither.")
    for name in ("kafka_ca", "kafka_certificate", "kafka_key"):
        file = getattr(settings, name)
        if file and not settings.kafka_security.endswith("ssl"):
            raise SettingsError(
                f"{PREFIX}{name.upper()} is set, but MPP_KAFKA_SECURITY says no TLS: use ssl or sasl_ssl."
            )
        if file and not Path(file).is_file():
            raise SettingsError(f"{PREFIX}{name.upper()} names the file {file}, which is not there.")


def require_distributed(settings: Settings, service: str, role: str) -> None:
    """Raises SettingsError for what one process among many cannot work with: files and memory that the others miss."""
    doing = f"`python -m services.{service} {role}` is one process among several"
    embedded = "or run `python -m services`, which is all of them in one"
    if settings.is_embedded:
        raise SettingsError(
            f"MPP_BUS_URL is memory://, which reaches one process only, and {doing}: "
            f"set it to kafka://host:9092, {embedded}."
        )
    if settings.database_url.startswith("sqlite"):
        raise SettingsError(
            f"MPP_DATABASE_URL is an SQLite file, which one process may use, and {doing}: "
            f"set it to postgresql+psycopg://..., {embedded}."
        )
    for name in ("jobs_url", "rate_limits_url"):
        if getattr(settings, name).startswith("memory:"):
            raise SettingsError(
                f"{PREFIX}{name.upper()} is memory://, which the other processes do not see, and {doing}: "
                f"set it to redis://host:6379/0, {embedded}."
            )


def require_embedded(settings: Settings) -> None:
    """Raises SettingsError for what the four services in one process cannot work with."""
    if not settings.is_embedded:
        raise SettingsError(
            f"MPP_BUS_URL is {settings.bus_url}, but `python -m services` is one process: leave it out, "
            "or start each service with `python -m services.<name> web` and `worker`."
        )
    if "{service}" not in settings.database_url:
        raise SettingsError("MPP_DATABASE_URL must contain {service}: every service has a database of its own.")
