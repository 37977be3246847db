from __future__ import annotations

import pytest

from tests.identity.steps import Steps


@pytest.mark.parametrize(
    ("language", "sentence"), [("fr", "Trois semaines de défis écolos"), ("en", "Three weeks of eco-challenges")]
)
def test_the_front_door_says_what_this_is_in_the_readers_language(steps: Steps, language: str, sentence: str) -> None:
    page = steps.client().get("/", headers={"Accept-Language": language})
    assert page.status_code == 200
    assert sentence in page.text
    assert f'lang="{language}"' in page.text


def test_the_front_door_shows_the_counters(steps: Steps) -> None:
    assert 'hx-get="/ranking/counters"' in steps.client().get("/").text


def test_pages_ask_no_other_origin_for_anything(steps: Steps) -> None:
    for path in ("/", "/identity/api/v1/docs"):
        page = steps.client().get(path)
        assert "http://" not in page.text
        assert "https://" not in page.text
        assert "default-src 'self'" in page.headers["Content-Security-Policy"]


def test_the_browsable_page_finds_its_files_here(steps: Steps) -> None:
    for name in ("swagger-ui/swagger-ui-bundle.js", "swagger-ui/swagger-ui.css", "docs.js", "planet.svg"):
        with steps.client().get(f"/identity/static/{name}") as answer:
            assert answer.status_code == 200
