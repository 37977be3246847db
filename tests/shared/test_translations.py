"""Every sentence a user can read has a French one, with the same values in it."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from string import Formatter

import marshmallow as ma
import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from marshmallow import validate

from shared import i18n
from shared.i18n import ROOT, translate_validation

FILES = sorted(path for folder in ("shared", "services") for path in (ROOT / folder).rglob("*.py"))
TEMPLATES = sorted(path for folder in ("shared", "services") for path in (ROOT / folder).rglob("templates/**/*.*"))
PO_FILES = sorted(path for folder in ("shared", "services") for path in (ROOT / folder).rglob("translations/fr.po"))
LIBRARY = {"Missing data for required field.", "Unknown field.", "Must be one of: {choices}.", "Not a valid UUID."}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def calls(path: Path, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            yield node


def sentences(path: Path) -> list[str]:
    """What a module marks with message(...); a text put together at run time cannot be translated."""
    found = []
    for call in calls(path, "message"):
        [text] = call.args
        assert isinstance(text, ast.Constant), f"{name_of(path)}:{call.lineno}: message() takes one whole text"
        assert isinstance(text.value, str)
        found.append(text.value)
    return found


@cache
def classes_used() -> tuple[frozenset[type], frozenset[type]]:
    """The field and the validator classes of marshmallow that our code names, with those they are made of."""
    names: set[str] = set()
    for path in FILES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        names |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    fields = [getattr(ma.fields, name, None) for name in names]
    rules = [getattr(validate, name, None) for name in names]
    return (
        frozenset(kind for kind in fields if isinstance(kind, type) and issubclass(kind, ma.fields.Field)),
        frozenset(kind for kind in rules if isinstance(kind, type) and issubclass(kind, validate.Validator)),
    )


def library_messages() -> set[str]:
    """marshmallow's own sentences that our schemas can produce."""
    fields, rules = classes_used()
    found = set(ma.Schema._default_error_messages.values())
    for kind in fields:
        for parent in kind.__mro__:
            found |= set(getattr(parent, "default_error_messages", {}).values())
    for kind in rules - {validate.Range}:
        attributes = {name: value for parent in kind.__mro__ for name, value in vars(parent).items()}
        found |= {text for name, text in attributes.items() if "message" in name and isinstance(text, str)}
    for has_min in (True, False):
        for has_max in (True, False):
            rule = validate.Range(min_inclusive=has_min, max_inclusive=has_max)
            found |= {rule.message_min, rule.message_max, rule.message_all}
    return found


@cache
def french() -> Catalog:
    return i18n._catalog("fr")


def translation_of(text: str) -> str:
    """The French of a sentence; of one that counts, both forms of it."""
    entry = french().get(text)
    if entry is None:
        return ""
    return entry.string if isinstance(entry.string, str) else "\n".join(entry.string) if all(entry.string) else ""


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("path", [path for path in FILES if sentences(path)], ids=name_of)
def test_every_sentence_of_ours_has_a_french_one(path: Path) -> None:
    missing = [text for text in sentences(path) if not translation_of(text)]
    assert not missing, f"add to the fr.po of {name_of(path)}: {missing}"


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_every_sentence_of_a_template_has_a_french_one(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    marked = [found[1] for found in re.findall(r"""\b_\(\s*(["'])(.*?)\1""", text, re.DOTALL)]
    marked += [found[1] for found in re.findall(r"""\bngettext\(\s*(["'])(.*?)\1""", text, re.DOTALL)]
    missing = [text for text in marked if not translation_of(text)]
    assert not missing, f"add to the fr.po of {name_of(path)}: {missing}"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_sentence_said_after_a_form_has_a_french_one(path: Path) -> None:
    said = [
        call.args[1].value
        for call in calls(path, "redirect_to")
        if len(call.args) > 1 and isinstance(call.args[1], ast.Constant)
    ]
    missing = [text for text in said if not translation_of(str(text))]
    assert not missing, f"add to the fr.po of {name_of(path)}: {missing}"


HTML = [path for path in TEMPLATES if path.suffix == ".html" and path.name != "docs.html"]
OURS = {"Ma Petite Planète", "Français", "English"}
"""Names, the same in every language."""


@pytest.mark.parametrize("path", HTML, ids=name_of)
def test_no_template_has_a_sentence_outside_the_translations(path: Path) -> None:
    """What is between tags, or in an attribute that is read, comes through _() or is no language."""
    source = path.read_text(encoding="utf-8")
    bare = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<(script|style)\b.*?</\1>", " ", source, flags=re.DOTALL)
    read = re.findall(r"""\b(?:alt|title|aria-label|placeholder)=["']([^"']*)["']""", bare)
    texts = [text.strip() for text in [*re.sub(r"<[^>]*>|[\w-]+=\"[^\"]*\"", "\n", bare).splitlines(), *read]]
    hard = [text for text in texts if re.search(r"[^\W\d_]{2}", text) and text.strip(" ·") not in OURS | {"required"}]
    assert not hard, "say it through _()"


def test_the_sentences_of_the_libraries_have_french_ones() -> None:
    messages = library_messages()
    assert messages >= LIBRARY  # we really found them
    missing = sorted(text for text in messages if not translation_of(text))
    assert not missing, f"add to shared/translations/fr.po: {missing}"


@pytest.mark.parametrize("path", PO_FILES, ids=name_of)
def test_a_translation_has_the_values_of_its_sentence(path: Path) -> None:
    with path.open("rb") as file:
        entries = [entry for entry in read_po(file, locale="fr", abort_invalid=True) if entry.id]
    assert entries
    for entry in entries:
        assert not entry.fuzzy, f"fuzzy: {entry.id}"
        ids, strings = ((entry.id,), (entry.string,)) if isinstance(entry.id, str) else (entry.id, entry.string)
        assert len(ids) == len(strings), f"a plural is missing: {entry.id}"
        for text, translated in zip(ids, strings, strict=True):
            assert translated.strip(), f"no translation: {text}"
            assert placeholders(translated) - {"n"} == placeholders(text) - {"n"}, text
            assert translated == translated.strip() or text != text.strip(), text


@pytest.mark.parametrize("path", PO_FILES, ids=name_of)
def test_no_two_files_translate_one_sentence_differently(path: Path) -> None:
    with path.open("rb") as file:
        for entry in read_po(file, locale="fr"):
            if entry.id:
                text = entry.id if isinstance(entry.id, str) else entry.id[0]
                string = entry.string if isinstance(entry.string, str) else "\n".join(entry.string)
                assert translation_of(text) == string, f"another file says otherwise: {entry.id}"


def test_every_refusal_of_every_service_is_marked_for_translation() -> None:
    from shared.errors import Refusal

    marked = {text for path in FILES for text in sentences(path)}
    for path in FILES:
        if path.name == "errors.py":
            importlib.import_module(name_of(path).removesuffix(".py").replace("/", "."))
    kinds = [Refusal]
    for kind in kinds:
        kinds += [child for child in kind.__subclasses__() if child.__module__.startswith(("shared", "services"))]
        assert kind.text in marked, f"{kind.__name__}.text: wrap it in message()"


@pytest.mark.parametrize(
    ("english", "expected"),
    [
        ("Must be greater than or equal to 0 and less than or equal to 14.", "Donnez une valeur de 0 à 14."),
        ("Must be less than or equal to 100000.", "Donnez une valeur d’au plus 100000."),
        ("Must be one of: draft, {x}, a. b.", "Doit être l’une de ces valeurs\u00a0: draft, {x}, a. b."),
        ("Not a valid datetime.", "Ce n’est pas une date avec son heure\u00a0: écrivez-la comme 2026-11-23T09:00:00."),
        ("Not a valid naive gizmo.", "Ce n’est pas une valeur valable (naive gizmo)."),
        ("Too long: 80 characters at most.", "Trop long\u00a0: 80 caractères au maximum."),
        ("Nobody wrote this sentence.", "Nobody wrote this sentence."),
    ],
)
def test_a_filled_in_sentence_of_a_library_is_found_again(english: str, expected: str) -> None:
    assert translate_validation(english, "fr") == expected
    assert translate_validation(english, "en") == english
