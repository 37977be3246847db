from __future__ import annotations

import gzip
import re

from shared.pages.static import FOLDER, SHEETS, content, static_url, version
from tests.identity.steps import Steps


def test_a_file_of_the_frame_is_kept_for_a_year(steps: Steps) -> None:
    with steps.client().get(static_url("app.js")) as answer:
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        etag = answer.headers["ETag"]
    with steps.client().get(static_url("app.js"), headers={"If-None-Match": etag}) as again:
        assert again.status_code == 304


def test_another_versions_address_answers_and_is_not_kept(steps: Steps) -> None:
    with steps.client().get("/static/000000000000/app.js") as answer:
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-cache")


def test_no_file_beside_the_frame_is_served(steps: Steps) -> None:
    for path in ("../templates/layout.html", "%2e%2e/package.json", "nothing.css"):
        with steps.client().get(f"/static/{version()}/{path}") as answer:
            assert answer.status_code == 404


def test_every_file_a_page_names_is_there(steps: Steps) -> None:
    page = steps.client().get("/").text
    named = set(re.findall(rf"/static/{version()}/([^\"#]+)", page))
    assert {"site.css", "app.js", "vendor/htmx.js"} <= named
    for name in named:
        with steps.client().get(static_url(name)) as answer:
            assert answer.status_code == 200, name


def test_the_style_of_a_page_is_every_sheet_there_is(steps: Steps) -> None:
    with steps.client().get(static_url("site.css")) as answer:
        assert answer.mimetype == "text/css"
        assert answer.data == b"".join((FOLDER / f"{sheet}.css").read_bytes() for sheet in SHEETS)
    assert {path.stem for path in FOLDER.glob("*.css")} == set(SHEETS)


def test_the_first_page_with_all_it_needs_stays_under_100_kilobytes(steps: Steps) -> None:
    """Fonts and pictures as they are, the rest as gzip leaves it; `make bench` measures it in a browser."""
    page = steps.client().get("/").text
    weight = len(gzip.compress(page.encode()))
    for name in set(re.findall(rf"/static/{version()}/([^\"#]+)", page)):
        file = content(name)
        weight += len(file if name.endswith((".woff2", ".png")) else gzip.compress(file))
    assert weight < 100_000
    assert "friends.svg" not in page, "who plays is shown to those who play"


def test_the_offline_page_finds_the_files_of_the_frame_in_what_the_device_keeps(steps: Steps) -> None:
    kept = steps.client().get("/service-worker.js").text
    page = steps.client().get("/offline").text
    assert not [name for name in re.findall(r'rel="stylesheet" href="/static/\w+/([\w.]+)"', page) if name not in kept]


def test_the_frame_around_the_pages_has_the_colours_of_their_paper(steps: Steps) -> None:
    tokens = (FOLDER / "tokens.css").read_text(encoding="utf-8")
    light, dark = re.findall(r"--paper: (#\w+);", tokens)
    page = steps.client().get("/").text
    shown = dict(re.findall(r'name="theme-color" content="(#\w+)" media="\(prefers-color-scheme: (\w+)\)"', page))
    assert shown == {light: "light", dark: "dark"}
    manifest = steps.client().get("/manifest.webmanifest").json
    assert manifest is not None
    assert manifest["background_color"] == light
    assert f"--leaf: {manifest['theme_color']};" in tokens
