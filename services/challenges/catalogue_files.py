"""Reads the catalogue's YAML files, and says everything that is wrong with them at once."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import marshmallow as ma
import msgspec
import yaml

from services.challenges.catalogue_schemas import STABLE_NAME, BothLanguagesSchema, ChallengeEntrySchema, FactorSchema
from services.challenges.models import AGE_BANDS, AUDIENCES, STANDARD_TIER
from shared.contracts import Impact
from shared.i18n import LANGUAGES

FOLDER = Path(__file__).parent / "catalogue"
FACTORS_FILE = "impact_factors.yaml"
MEASURES = {"kgCO2e": ("co2e_g", 1000), "l": ("water_ml", 1000), "kg": ("waste_g", 1000), "min": ("learning_min", 1)}
"""Unit of a factor -> field of Impact, and how many of its small units make one of the factor's."""

SENTENCES = {
    "Missing data for required field.": "Is missing: add it.",
    "Unknown field.": "Is not a field we know: correct its spelling or remove it.",
    "Field may not be null.": "Is empty: fill it in.",
    "Not a valid string.": "Must be a text: put it in quotes.",
    "Not a valid integer.": "Must be a whole number.",
    "Not a valid number.": "Must be a number.",
    "Not a valid list.": "Must be a list, such as [school].",
    "Not a valid date.": "Must be a date, such as 2026-07-01.",
    "Invalid input type.": "Must be a list of `name: value` lines.",
}


class Factor(msgspec.Struct, frozen=True, kw_only=True):
    """One published figure."""

    factor: str
    value: Decimal
    unit: str
    means: dict[str, str]
    source: str
    source_version: str
    valid_from: date


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A factor as one challenge counts with it."""

    factor: Factor
    quantity: Decimal


class TierEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One of the values a challenge can be recorded with; the standard one needs no label."""

    tier: str
    points: int
    labels: dict[str, str] | None


class Texts(msgspec.Struct, frozen=True, kw_only=True):
    """A challenge in one language. `keywords`: what people call it, where no text does."""

    title: str
    summary: str
    why: str
    how: str
    keywords: list[str]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One challenge, complete and checked."""

    slug: str
    category: str
    kind: str
    tiers: list[TierEntry]
    audiences: list[str]
    age_bands: list[str]
    times: int
    per: str
    difficulty: str
    season: str
    lines: list[Line]
    sources: list[str]
    texts: dict[str, Texts]

    @property
    def is_malus(self) -> bool:
        """Whether it takes points away."""
        return self.tiers[0].points < 0

    @property
    def fingerprint(self) -> str:
        """The same for the same content, whatever the order of the file's fields."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()

    @property
    def impact(self) -> Impact | None:
        """What one completion of the smallest tier saves, in whole small units; None: not quantified."""
        sums: dict[str, Decimal] = {}
        for line in self.lines:
            name, small = MEASURES[line.factor.unit]
            sums[name] = sums.get(name, Decimal(0)) + line.factor.value * line.quantity * small
        whole = {name: int(total.to_integral_value(ROUND_HALF_UP)) for name, total in sums.items()}
        return Impact(**whole) if whole else None


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the files say, in a stable order."""

    categories: dict[str, dict[str, str]]
    factors: list[Factor]
    challenges: list[Entry]


class CatalogueError(Exception):
    """The files cannot be used; one sentence per problem, each with its file, challenge and field."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(f"The catalogue has {len(problems)} problem(s):\n" + "\n".join(problems))
        self.problems = problems


class _Problems(list[str]):
    """Collects sentences such as « food.yaml, challenge veggie-lunch, field fr.title: Is missing: add it. »."""

    def say(self, file: str, entry: str, field: str, text: str) -> None:
        place = ", ".join(part for part in (file, entry, f"field {field}" if field else "") if part)
        self.append(f"{place}: {SENTENCES.get(text, text)}")

    def say_all(self, file: str, entry: str, messages: Any) -> None:
        for field, text in _flatten(messages):
            self.say(file, entry, field, text)


def _flatten(messages: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """{"tiers": {0: {"points": ["…"]}}} -> ("tiers.1.points", "…"): people count from one."""
    if not isinstance(messages, Mapping):
        yield from ((prefix, str(text)) for text in (messages if isinstance(messages, list) else [messages]))
        return
    for name, inner in messages.items():
        part = "" if name == "_schema" else str(name + 1 if isinstance(name, int) else name)
        yield from _flatten(inner, ".".join(filter(None, (prefix, part))))


class _StrictLoader(yaml.SafeLoader):
    """YAML without its traps: a key given twice is an error, and dates stay texts for the schema to read."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """A mapping whose keys are texts, each given once."""
        scalars = [key for key, _value in node.value if isinstance(key, yaml.ScalarNode)]
        names = Counter(key.value for key in scalars)
        for key in scalars:
            if names[key.value] > 1:
                raise yaml.MarkedYAMLError(problem=f"`{key.value}` is given twice", problem_mark=key.start_mark)
        return super().construct_mapping(node, deep=deep)


def read_catalogue(folder: Path = FOLDER) -> Catalogue:
    """Reads every file of a folder. Raises CatalogueError with all that is wrong."""
    problems = _Problems()
    factors, named = _read_factors(folder / FACTORS_FILE, problems)
    categories: dict[str, dict[str, str]] = {}
    found: list[tuple[str, str, dict[str, Any]]] = []
    paths = sorted(path for path in folder.glob("*.yaml") if path.name != FACTORS_FILE)
    if not paths:
        problems.say(str(folder), "", "", "There is no category file here: name the folder of the catalogue.")
    for path in paths:
        names, entries = _read_category(path, problems)
        categories[path.stem] = names
        found += [(path.name, path.stem, entry) for entry in entries]
    _check_names(found, problems)
    for file, _category, entry in found:
        for position, line in enumerate(entry["impact"], start=1):
            if line["factor"] not in named:
                text = f"There is no factor {line['factor']} in {FACTORS_FILE}: correct its name or add it there."
                problems.say(file, f"challenge {entry['challenge']}", f"impact.{position}.factor", text)
    if problems:
        raise CatalogueError(problems)
    entries_found = [_entry(category, entry, factors) for _file, category, entry in found]
    return Catalogue(
        categories=categories,
        factors=sorted(factors.values(), key=lambda factor: factor.factor),
        challenges=sorted(entries_found, key=lambda entry: (entry.category, entry.slug)),
    )


def _parse(path: Path, problems: _Problems) -> Any:
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_StrictLoader)
    except FileNotFoundError:
        problems.say(path.name, "", "", f"There is no such file in {path.parent}: add it.")
    except UnicodeDecodeError:
        problems.say(path.name, "", "", "Is not UTF-8: save it with that encoding.")
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}" if error.problem_mark else ""
        problems.say(path.name, line, "", f"Is not valid YAML: {error.problem}. Check quotes, colons and indentation.")
    except yaml.YAMLError as error:
        problems.say(path.name, "", "", f"Is not valid YAML: {error}. Check quotes, colons and indentation.")
    return None


def _read_factors(path: Path, problems: _Problems) -> tuple[dict[str, Factor], set[str]]:
    """The valid factors by name, and every name given, so that one bad factor is not reported by all who use it."""
    content = _parse(path, problems)
    if content is None:
        content = []
    if not isinstance(content, list):
        problems.say(path.name, "", "", "Must be a list of factors, each beginning with `- factor:`.")
        content = []
    factors: dict[str, Factor] = {}
    named: set[str] = set()
    for position, raw in enumerate(content, start=1):
        name = str(raw.get("factor", "")) if isinstance(raw, dict) else ""
        label = f"factor {name or f'number {position}'}"
        if name in named:
            problems.say(path.name, label, "factor", "Two factors have this name: rename one.")
        named |= {name} - {""}
        try:
            factor = Factor(**FactorSchema().load(raw))
            factors[factor.factor] = factor
        except ma.ValidationError as error:
            problems.say_all(path.name, label, error.messages)
    return factors, named


def _read_category(path: Path, problems: _Problems) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """The names of a category and its valid challenges."""
    content = _parse(path, problems)
    if content is None:
        return {}, []
    if not isinstance(content, dict) or not isinstance(content.get("challenges"), list):
        problems.say(path.name, "", "challenges", "Must be a list of challenges, each beginning with `- challenge:`.")
        return {}, []
    for name in content.keys() - {"category", "challenges"}:
        problems.say(path.name, "", str(name), "Unknown field.")
    names = _load(BothLanguagesSchema(), content.get("category", {}), path.name, "category", problems) or {}
    try:
        STABLE_NAME(path.stem)
    except ma.ValidationError as error:
        problems.say(path.name, "", "file name", str(error))
    loaded = []
    for position, raw in enumerate(content["challenges"], start=1):
        name = raw.get("challenge") if isinstance(raw, dict) else None
        entry = _load(ChallengeEntrySchema(), raw, path.name, f"challenge {name or f'number {position}'}", problems)
        loaded += [entry] if entry is not None else []
    return names, loaded


def _load(schema: ma.Schema, raw: Any, file: str, label: str, problems: _Problems) -> dict[str, Any] | None:
    if not isinstance(raw, dict):
        problems.say(file, label, "", "Invalid input type.")
        return None
    try:
        entry: dict[str, Any] = schema.load(raw)
        return entry
    except ma.ValidationError as error:
        problems.say_all(file, label, error.messages)
        return None


def _check_names(found: list[tuple[str, str, dict[str, Any]]], problems: _Problems) -> None:
    first: dict[str, str] = {}
    for file, _category, entry in found:
        name = entry["challenge"]
        if name in first:
            text = f"This name is already taken in {first[name]}: choose another, unique in the catalogue."
            problems.say(file, f"challenge {name}", "challenge", text)
        first.setdefault(name, file)


def _entry(category: str, raw: dict[str, Any], factors: dict[str, Factor]) -> Entry:
    if "tiers" in raw:
        tiers = [
            TierEntry(tier=tier["tier"], points=tier["points"], labels={name: tier[name] for name in LANGUAGES})
            for tier in raw["tiers"]
        ]
    else:
        tiers = [TierEntry(tier=STANDARD_TIER, points=raw["points"], labels=None)]
    return Entry(
        slug=raw["challenge"],
        category=category,
        kind=raw["kind"],
        tiers=tiers,
        audiences=[audience for audience in AUDIENCES if audience in raw["audiences"]],
        age_bands=[band for band in AGE_BANDS if band in raw.get("age_bands", [])],
        times=raw["repeat"]["times"],
        per=raw["repeat"]["per"],
        difficulty=raw["difficulty"],
        season=raw["season"],
        lines=[Line(factor=factors[line["factor"]], quantity=line["quantity"]) for line in raw["impact"]],
        sources=raw["sources"],
        texts={language: Texts(**raw[language]) for language in LANGUAGES},
    )
