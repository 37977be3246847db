"""The page of the components shows all there are; the pictures stand where they belong."""

from __future__ import annotations

import re

import pytest
import yaml
from jinja2 import Environment, nodes

from shared.i18n import ROOT, translate
from shared.pages.frame import TEMPLATES
from shared.pages.static import FOLDER
from tests.identity.steps import Steps

SHELVES = ("parts.html", "planet.html", "illustrations.html")


def parsed(name: str) -> nodes.Template:
    return Environment().parse((TEMPLATES / name).read_text(encoding="utf-8"))


def macros(name: str) -> set[str]:
    """What a page may call; a name with an underscore is a piece of its own file."""
    return {macro.name for macro in parsed(name).find_all(nodes.Macro) if not macro.name.startswith("_")}


def pictures() -> set[str]:
    """The names in the table from which `illustration` draws."""
    [table] = parsed("illustrations.html").find_all(nodes.Dict)
    return {str(pair.key.as_const()) for pair in table.items}


@pytest.mark.parametrize("shelf", SHELVES)
def test_every_component_is_shown_on_the_page_of_the_components(shelf: str) -> None:
    calls = parsed("gallery.html").find_all(nodes.Call)
    called = {call.node.name for call in calls if isinstance(call.node, nodes.Name)}
    assert macros(shelf)
    assert not macros(shelf) - called, "show it in gallery.html, in every state"


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_picture_and_every_stage_of_the_planet_is_shown_in_both_languages(steps: Steps, language: str) -> None:
    page = steps.client().get("/ui", headers={"Accept-Language": language})
    assert page.status_code == 200
    shown = set(re.findall(r'class="art \w+ art-([\w-]+)"', page.text))
    assert pictures() == shown
    assert {f"stage-{stage}" for stage in range(7)} <= set(re.findall(r"stage-\d", page.text))


def test_a_picture_is_for_the_eyes_only_unless_it_says_something(steps: Steps) -> None:
    shown = steps.client().get("/ui").text
    assert 'class="art small art-snail" viewBox="0 0 240 180" role="img" aria-label="snail"' in shown
    assert 'class="art medium art-class" viewBox="0 0 240 180" aria-hidden="true"' in steps.client().get("/").text


@pytest.mark.parametrize("path", ["/", "/ui", "/offline", "/nowhere"])
def test_a_drawn_page_needs_no_inline_style(steps: Steps, path: str) -> None:
    assert not re.search(r"\sstyle=|<style", steps.client().get(path).text)


@pytest.mark.parametrize(
    ("path", "picture"),
    [
        ("/nowhere", "lost"),
        ("/offline", "no-network"),
        ("/sign-in", "key"),
        ("/found/company", "company"),
        ("/", "grow"),
    ],
)
def test_a_page_has_the_picture_of_what_it_tells(steps: Steps, path: str, picture: str) -> None:
    assert f"art-{picture}" in steps.client().get(path).text


def test_the_challenges_of_the_home_page_are_in_the_catalogue() -> None:
    home = (ROOT / "services/identity/templates/pages/home.html").read_text(encoding="utf-8")
    shown = dict(re.findall(r'\("([a-z-]+)", _\("([^"]+)"\)\)', home))
    assert len(shown) == 9
    for category, title in shown.items():
        file = ROOT / f"services/challenges/catalogue/{category}.yaml"
        offers = yaml.safe_load(file.read_text(encoding="utf-8"))["challenges"]
        assert {"en": title, "fr": translate(title, "fr").replace("\u00a0", " ")} in [
            {language: offer[language]["title"].replace("\u00a0", " ") for language in ("en", "fr")} for offer in offers
        ]


def test_every_category_is_drawn_under_its_name() -> None:
    drawn = re.findall(r'<symbol id="([\w-]+)"', (FOLDER / "categories.svg").read_text(encoding="utf-8"))
    files = (ROOT / "services/challenges/catalogue").glob("*.yaml")
    assert sorted(drawn) == sorted(file.stem for file in files if file.stem != "impact_factors")


def test_every_icon_that_a_template_names_is_drawn() -> None:
    drawn = set(re.findall(r'<symbol id="([\w-]+)"', (FOLDER / "icons.svg").read_text(encoding="utf-8")))
    files = [*(ROOT / "shared/ui/templates").rglob("*.html"), *(ROOT / "services").rglob("templates/**/*.html")]
    named = {}
    for file in files:
        text = file.read_text(encoding="utf-8")
        for call in re.findall(r"\bicon\(([^)]*)\)|\bicon=([^,)]*)", text):
            for name in re.findall(r'(?<![=!] )"([\w-]+)"(?!:)', " ".join(call)):
                named[name] = file.name
    parts = (ROOT / "shared/ui/templates/parts.html").read_text(encoding="utf-8")
    [kinds] = re.findall(r"set reaction_kinds = \{(.*)\}", parts)
    named |= dict.fromkeys(re.findall(r'_\("[^"]+"\), "([\w-]+)"', kinds), "parts.html")
    categories = (ROOT / "services/challenges/catalogue").glob("*.yaml")
    named |= {file.stem: "the catalogue" for file in categories if file.stem != "impact_factors"}
    assert named.keys() >= {"download", "plus", "calendar", "star"}
    assert {name: where for name, where in named.items() if name not in drawn} == {}
