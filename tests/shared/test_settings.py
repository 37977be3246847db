from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from shared.settings import (
    PREFIX,
    Settings,
    SettingsError,
    read_settings,
    require_distributed,
    require_embedded,
)


def refusal_of(**environment: str) -> str:
    with pytest.raises(SettingsError) as refused:
        read_settings({f"{PREFIX}{name}": value for name, value in environment.items()})
    return str(refused.value)


def test_an_empty_environment_gives_the_embedded_mode() -> None:
    settings = read_settings({})
    assert settings == Settings()
    assert settings.bus_url == settings.jobs_url == "memory://"
    assert settings.host == "127.0.0.1"
    assert settings.database_url_for("leagues").endswith("leagues.db")


def test_the_variables_of_others_are_none_of_ours() -> None:
    assert read_settings({"PATH": "/bin", "PORT": "9", "XMPP_HOST": "x"}) == Settings()


def test_texts_become_what_the_setting_is() -> None:
    settings = read_settings({"MPP_PORT": "9000", "MPP_DATA": "/tmp/mpp", "MPP_WEB_THREADS": "2"})
    assert (settings.port, settings.data, settings.web_threads) == (9000, Path("/tmp/mpp"), 2)


def test_an_unknown_variable_is_an_error_that_lists_the_known_ones() -> None:
    sentence = refusal_of(PROT="9000")
    assert "MPP_PROT" in sentence
    assert "correct its name" in sentence
    assert "MPP_PORT" in sentence


@pytest.mark.parametrize("name", ["PORT", "WEB_THREADS", "ACCESS_TOKEN_SECONDS", "RELAY_BATCH"])
@pytest.mark.parametrize("value", ["many", "", "1.5", "8000 "])
def test_a_value_of_the_wrong_type_is_an_error_that_names_the_setting(name: str, value: str) -> None:
    sentence = refusal_of(**{name: value})
    assert f"MPP_{name}" in sentence
    assert "Correct it" in sentence


@pytest.mark.parametrize(
    ("name", "value", "advice"),
    [
        ("PORT", "0", "between 1 and 65535"),
        ("PORT", "70000", "between 1 and 65535"),
        ("WEB_THREADS", "0", "1 or more"),
        ("WEB_THREADS", "-3", "1 or more"),
        ("MAX_BODY_BYTES", "0", "1 or more"),
        ("ACCESS_TOKEN_SECONDS", "0", "1 or more"),
        ("REFRESH_TOKEN_DAYS", "-1", "1 or more"),
        ("RELAY_BATCH", "0", "1 or more"),
        ("DATABASE_URL", "{service}", "sqlite:///"),
        ("DATABASE_URL", "oracel://host/{service}", "sqlite:///"),
        ("PUBLIC_URL", "mpp.example.org", "https://"),
        ("PUBLIC_URL", "ftp://mpp.example.org", "https://"),
        ("SMTP_URL", "http://mail.example.org", "smtps://"),
        ("LOG_LEVEL", "LOUD", "DEBUG, INFO, WARNING or ERROR"),
        ("DATABASE_URL", "postgresql+psycopg2://host/{service}", "postgresql+psycopg://"),
        ("DATABASE_URL", "mysql+pymysql://host/{service}", "postgresql+psycopg://"),
        ("OWNER_DATABASE_URL", "nonsense", "postgresql+psycopg://"),
        ("OWNER_DATABASE_URL", "postgresql+psycopg://host/{service}", "the same database"),
        ("DATABASE_POOL", "-1", "0 or more"),
        ("CONSUMER_BATCH", "0", "1 or more"),
        ("KAFKA_PARTITIONS", "0", "1 or more"),
        ("KAFKA_RETENTION_DAYS", "-1", "0 or more"),
        ("KAFKA_SECURITY", "secret", "sasl_ssl"),
        ("KAFKA_SECURITY", "sasl_ssl", "MPP_KAFKA_USER and MPP_KAFKA_PASSWORD"),
        ("KAFKA_MECHANISM", "GSSAPI", "SCRAM-SHA-512"),
        ("KAFKA_PASSWORD", "hunter2", "set it to sasl_ssl"),
        ("KAFKA_CA", "/etc/hostname", "ssl or sasl_ssl"),
        ("KAFKA_CERTIFICATE", "/etc/hostname", "MPP_KAFKA_KEY"),
        ("TRACES_URL", "collector:4318", "http://collector:4318/v1/traces"),
    ],
)
def test_a_value_that_cannot_be_meant_is_an_error_that_says_what_to_do(name: str, value: str, advice: str) -> None:
    sentence = refusal_of(**{name: value})
    assert f"MPP_{name}" in sentence
    assert advice in sentence


def test_a_password_in_a_wrong_url_is_not_shown() -> None:
    assert "hunter2" not in refusal_of(DATABASE_URL="oracel://mpp:hunter2@host/{service}")
    assert "hunter2" not in refusal_of(SMTP_URL="http://mpp:hunter2@host")


def test_a_file_of_tls_that_is_not_there_is_named() -> None:
    sentence = refusal_of(KAFKA_SECURITY="ssl", KAFKA_CA="/nowhere/ca.pem")
    assert "MPP_KAFKA_CA names the file /nowhere/ca.pem" in sentence


DISTRIBUTED = Settings(
    database_url="postgresql+psycopg://{service}@host/{service}",
    bus_url="kafka://host:9092",
    jobs_url="redis://host:6379/0",
    rate_limits_url="redis://host:6379/1",
)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("bus_url", "memory://"),
        ("database_url", "sqlite:///{service}.db"),
        ("jobs_url", "memory://"),
        ("rate_limits_url", "memory://"),
    ],
)
def test_what_other_processes_would_not_see_is_refused_to_a_role(name: str, value: str) -> None:
    require_distributed(DISTRIBUTED, "leagues", "web")
    with pytest.raises(SettingsError) as refused:
        require_distributed(msgspec.structs.replace(DISTRIBUTED, **{name: value}), "leagues", "web")
    assert f"MPP_{name.upper()} is" in str(refused.value)
    assert "run `python -m services`" in str(refused.value)


def test_what_one_process_cannot_work_with_is_refused_to_the_embedded_mode() -> None:
    require_embedded(Settings())
    with pytest.raises(SettingsError, match="is one process: leave it out"):
        require_embedded(DISTRIBUTED)
    with pytest.raises(SettingsError, match=r"must contain {service}"):
        require_embedded(Settings(database_url="sqlite:///all.db"))


def test_the_owner_is_who_runs_unless_named() -> None:
    assert DISTRIBUTED.owner_database_url_for("ranking") == DISTRIBUTED.database_url_for("ranking")
    owned = msgspec.structs.replace(
        DISTRIBUTED, owner_database_url="postgresql+psycopg://{service}_owner@host/{service}"
    )
    assert owned.owner_database_url_for("ranking") == "postgresql+psycopg://ranking_owner@host/ranking"


def test_every_service_has_a_database_of_its_own() -> None:
    settings = read_settings({"MPP_DATABASE_URL": "postgresql+psycopg://host/mpp_{service}"})
    assert settings.database_url_for("leagues") == "postgresql+psycopg://host/mpp_leagues"
    assert settings.database_url_for("ranking") == "postgresql+psycopg://host/mpp_ranking"


def test_links_begin_with_the_public_address_when_there_is_one() -> None:
    assert read_settings({"MPP_PORT": "9000"}).address == "http://127.0.0.1:9000"
    public = read_settings({"MPP_PUBLIC_URL": "https://mpp.example.org/"})
    assert public.address == "https://mpp.example.org"
    assert public.has_tls
    assert not read_settings({}).has_tls


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Settings().port = 1  # type: ignore[misc]
