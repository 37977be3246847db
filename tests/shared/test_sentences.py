"""No sentence escapes the translations, in Python or in a template, and nothing is counted without its plural.

The finders of this module read source text, so that the last tests can show each of them something wrong.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import marshmallow as ma
import pytest
from jinja2 import Environment, nodes

from services.leagues.domain.editions import PHASES
from shared.i18n import ROOT
from tests.shared.test_translations import FILES, HTML, TEMPLATES, french, library_messages, name_of, translation_of

MARKERS = {"translate": 1, "translate_many": 2, "message": 1, "redirect_to": 1, "ngettext": 2, "_": 1}
"""What marks a sentence, and how many it takes."""
NAMES = {"Ma Petite Planète", "Planète", "Origin"}
"""The same in every language."""
WORDED = sorted(
    {*ROOT.glob("services/*/pages/*.py"), *ROOT.glob("services/*/pages.py"), *ROOT.glob("shared/pages/*.py")}
)
WORDED += [ROOT / "shared" / "forms.py"]
"""The modules whose texts a person reads."""
NO_WORDS = (
    r"[A-Z]{1,7}",  # GET, FR
    r"[A-Z][a-z]+/[\w-]+",  # Europe/Paris
    r"[A-Z][A-Za-z]+(-[A-Z][A-Za-z]*)+",  # Cache-Control
    r"[EdMyHms:, ]+",  # a date of Babel
    r"Lax",
)
TEXTS = {"name", "day", "email", "tenant", "league", "first", "last", "min", "seconds", "band"}
"""Braces that hold a text or a measure: what follows them is not counted."""
NOT_ONE = {
    "This request is too large: {maximum} bytes at most. Send it in smaller pieces.": "a setting, in the thousands",
    "Too long: {maximum} characters at most.": "a rule of ours, 5 and more",
    "{value} of {of} challenges": "the example of /ui: of twenty",
    "This league is full: it takes {maximum} players. Ask its leader, or join another league.": "a league of one is "
    "never joined",
    "A league has {maximum} teams at most.": "a rule of ours, many",
    "{count} players are in.": "one is told by name: “{name} is in.”",
    "{count} completions are taken back. They do not count.": "one has a sentence of its own",
    "There are {maximum} invitations for many already: end one of them first.": "a rule of ours, several",
    "Too many at once: {maximum} addresses at most. Send the others afterwards.": "a rule of ours, hundreds",
    "{count} players changed team.": "one has a sentence of its own",
    "{n} cells ticked": "one has a sentence of its own, chosen by the script",
    "Out of {completions} completions, {unquantified} are not quantified: no published figure exists for them. The "
    "page of each challenge names its sources.": "shown for five players and more; French has “Défis réalisés : n”",
    "{begun} of {players} have begun": "said of the group, of which it tells a part",
    "the oldest {n} are shown": "a whole page of them, when there are more",
    "This challenge counts {times} × per {per}, and that is done. Choose another one!": "“fois” has one form",
}
"""Sentences that count without a plural, and why they may. Reviewed by a person: add none lightly."""
COUNTED = re.compile(r"\{(\w+)\}[ \u00a0](?:[\w’]+ )?[\w’]+s\b|\{(\w+)\} (?:are|have)\b")


def literals(node: ast.expr) -> Iterator[str | None]:
    """The texts that an expression can be; None for one that is put together at run time."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from literals(node.body)
        yield from literals(node.orelse)
    elif isinstance(node, ast.BoolOp | ast.Dict):
        for value in node.values:
            yield from literals(value)
    elif isinstance(node, ast.Subscript):
        yield from literals(node.value)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):  # {...}.get(key, otherwise)
        yield from literals(node.func.value)
        for argument in node.args[1:]:
            yield from literals(argument)
    elif isinstance(node, ast.JoinedStr | ast.BinOp):
        yield None


def marked(tree: ast.AST) -> Iterator[tuple[str, list[ast.expr]]]:
    """The calls that mark sentences: by which word, and what they are given."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name in MARKERS:
                skipped = 1 if name == "redirect_to" else 0
                yield name, node.args[skipped : skipped + MARKERS[name]]


def untranslated(source: str) -> list[str]:
    """What a module marks and no fr.po has, in the form it is marked in: one sentence, or one and many."""
    wrong = []
    for name, given in marked(ast.parse(source)):
        if MARKERS[name] == 2:
            one, many = (next(literals(node), None) for node in given)
            if one is None and all(isinstance(node, ast.Name) for node in given):
                continue
            entry = french().get(one) if one else None
            if entry is None or entry.id != (one, many) or not all(entry.string):
                wrong.append(f"{name}({one!r}, {many!r})")
            continue
        for node in given:
            for text in literals(node):
                if text is None:
                    wrong.append(f"{name}() takes one whole text: {ast.unparse(node)}")
                elif text and (not translation_of(text) or not isinstance(french()[text].id, str)):
                    wrong.append(f"{name}({text!r})")
    return wrong


def bare(source: str) -> list[str]:
    """Texts of a module that read like a sentence or a label, and come through no translation."""
    tree = ast.parse(source)
    kept = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings
    for _name, given in marked(tree):
        kept |= {id(node) for argument in given for node in ast.walk(argument)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and node.exc is not None and isinstance(node.exc, ast.Call):
            kept |= {id(argument) for argument in node.exc.args}  # for developers: a refusal's text is marked
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and ast.unparse(node.func.value) == "log"
        ):
            kept |= {id(argument) for argument in node.args}
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in kept
        and is_said(node.value)
    ]


def is_said(text: str) -> bool:
    """Whether a text looks like one that is written for a person."""
    if text in NAMES or any(re.fullmatch(shape, text) for shape in NO_WORDS):
        return False
    return re.match(r"[^\W\d_a-zà-ÿ]\w*[a-zà-ÿ]|[«“]", text) is not None or re.match(r"\{\w+\} [a-z]", text) is not None


JINJA = Environment(autoescape=True)


def of_template(source: str) -> tuple[list[str], list[str]]:
    """What a template marks and no fr.po has; and what it says without marking it."""
    tree = JINJA.parse(source)
    wrong, kept = [], set()
    for call in tree.find_all(nodes.Call):
        name = call.node.name if isinstance(call.node, nodes.Name) else ""
        if name not in ("_", "ngettext"):
            continue
        kept |= {id(const) for const in call.find_all(nodes.Const)}
        if name == "ngettext":
            one, many = (getattr(node, "value", None) for node in call.args[:2])
            entry = french().get(one) if one else None
            if entry is None or entry.id != (one, many) or not all(entry.string):
                wrong.append(f"ngettext({one!r}, {many!r})")
        elif isinstance(call.args[0], nodes.Const):
            text = call.args[0].value
            if not translation_of(text) or not isinstance(french()[text].id, str):
                wrong.append(f"_({text!r})")
        elif not isinstance(call.args[0], nodes.Name | nodes.Getattr | nodes.Getitem):
            wrong.append("_() takes one whole text")
    said = [
        const.value
        for const in tree.find_all(nodes.Const)
        if isinstance(const.value, str) and id(const) not in kept and is_said(const.value)
    ]
    return wrong, said


def is_counted(text: str) -> bool:
    """Whether a sentence tells a number of things, as one form."""
    return any((one or other) not in TEXTS for one, other in COUNTED.findall(text))


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_marked_sentence_of_a_module_has_a_french_one_of_its_form(path: Path) -> None:
    wrong = untranslated(path.read_text(encoding="utf-8"))
    assert not wrong, f"not in a fr.po, or not in this form: {wrong}"


@pytest.mark.parametrize("path", WORDED, ids=name_of)
def test_no_module_of_pages_says_anything_outside_the_translations(path: Path) -> None:
    said = bare(path.read_text(encoding="utf-8"))
    assert not said, f"say it through translate() or message(): {said}"


@pytest.mark.parametrize("path", HTML, ids=name_of)
def test_no_template_says_anything_outside_the_translations(path: Path) -> None:
    wrong, said = of_template(path.read_text(encoding="utf-8"))
    assert not wrong, f"not in a fr.po, or not in this form: {wrong}"
    assert path.name == "gallery.html" or not said, f"say it through _(): {said}"  # /ui shows examples


def test_what_is_counted_has_a_plural() -> None:
    single = {entry.id: entry.string for entry in french() if isinstance(entry.id, str) and entry.id}
    counted = {text for text, french_text in single.items() if is_counted(text) or is_counted(str(french_text))}
    assert sorted(counted - NOT_ONE.keys()) == [], "use ngettext() or translate_many(): 1 would read wrong"
    assert sorted(NOT_ONE.keys() - counted) == [], "no longer said: take it off the list"


def test_no_translation_is_left_of_a_sentence_that_nobody_says() -> None:
    libraries = {ma.validate.Equal.default_message}
    for kind in vars(ma.fields).values():
        libraries |= set(getattr(kind, "default_error_messages", {}).values())
        libraries |= {f"Not a valid {told}{getattr(kind, 'OBJ_TYPE', '')}." for told in ("", "aware ", "naive ")}
    said = library_messages().union(libraries, *(constants(path) for path in FILES))
    shown = "\n".join(path.read_text(encoding="utf-8") for path in TEMPLATES)
    firsts = [entry.id if isinstance(entry.id, str) else entry.id[0] for entry in french() if entry.id]
    left = [text for text in firsts if text not in said and text not in shown and text.replace('"', '\\"') not in shown]
    assert left == [], "take it out of its fr.po"


def constants(path: Path) -> Iterator[str]:
    """The whole texts of a module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_the_phases_of_an_edition_which_templates_name_by_variable_have_french_words() -> None:
    assert [phase for phase in PHASES if not translation_of(phase)] == []


# --- the finders find ---


@pytest.mark.parametrize(
    "source",
    [
        'translate("{signed} points", signed=1)',
        'translate("{signed} point", signed=1)',
        'translate("All of it is recorded now")',
        'translate("Saved." if x else "All of it is recorded now")',
        'translate({"a": "Saved.", "b": "All of it is recorded now"}.get(kind, "Saved."))',
        'redirect_to(back, "All of it is recorded now")',
        'redirect_to(back, "Saved." if x else "All of it is recorded now")',
        'translate_many("{signed} points", "{signed} point", n, signed=1)',
        'translate_many("{n} unheard of", "{n} unheards of", n)',
        'i18n.translate("All of it is recorded now")',
        'translate(f"Saved {x}")',
        'message("Sav" + "ed")',
    ],
)
def test_a_marked_sentence_without_translation_is_found(source: str) -> None:
    assert len(untranslated(source)) == 1


@pytest.mark.parametrize(
    "source",
    ['translate("Saved.")', 'translate_many("{signed} point", "{signed} points", 2, signed=2)', "translate(text)"],
)
def test_a_translated_sentence_is_right(source: str) -> None:
    assert untranslated(source) == []


@pytest.mark.parametrize(
    "source",
    [
        'bands = [("", "All ages of the pupils")]',
        'bands = [("", "All")]',
        'title = "Recorded"',
        'told = "{count} players are in."',
        'title = f"Editions of {name}"',
        'title = "École des Lilas"',
    ],
)
def test_a_bare_sentence_is_found(source: str) -> None:
    assert len(bare(source)) == 1


def test_what_no_person_reads_is_no_sentence() -> None:
    source = '''
def view() -> None:
    """Shows it."""
    log.info("Shown to somebody")
    raise RuntimeError("Nobody planned for this")
page("GET", "Europe/Paris", "Cache-Control", "d MMM, HH:mm", "Ma Petite Planète", "pages/start.html", "FR")
'''
    assert bare(source) == []


@pytest.mark.parametrize(
    "source",
    [
        '{{ button("Save it now") }}',
        '{{ "Saved" if x else _("Saved.") }}',
        '{{ _("{signed} points", signed=1) }}',
        '{{ ngettext("{n} point", "{n} pointses", 2) }}',
        '{{ _("All of it is recorded now") }}',
        '{{ _("Saved " ~ name) }}',
    ],
)
def test_a_template_that_says_something_untranslated_is_found(source: str) -> None:
    wrong, said = of_template(source)
    assert len([*wrong, *said]) == 1


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("{signed} points", True),
        ("{n} days left", True),
        ("{n} more points", True),
        ("{n} jours", True),
        ("{n} are waiting", True),
        ("{name} has left", False),
        ("Page {page} of {pages}", False),
    ],
)
def test_a_number_of_things_is_found(text: str, is_one: bool) -> None:
    assert is_counted(text) is is_one
