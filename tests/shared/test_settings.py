from __future__ import annotations

from pathlib import Path

import pytest

from shared.settings import PREFIX, Settings, SettingsError, read_settings


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
    ],
)
def test_a_value_that_cannot_be_meant_is_an_error_that_says_what_to_do(name: str, value: str, advice: str) -> None:
    sentence = refusal_of(**{name: value})
    assert f"MPP_{name}" in sentence
    assert advice in sentence


def test_a_password_in_a_wrong_url_is_not_shown() -> None:
    assert "hunter2" not in refusal_of(DATABASE_URL="oracel://mpp:hunter2@host/{service}")
    assert "hunter2" not in refusal_of(SMTP_URL="http://mpp:hunter2@host")


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
