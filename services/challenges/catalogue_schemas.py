"""The format of the catalogue's YAML files, as catalogue/README.md tells it."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import validate

from services.challenges.models import AGE_BANDS, AUDIENCES, DIFFICULTIES, KINDS, PERIODS, SEASONS, UNITS
from shared.schemas import Integer, Schema, Text

NOT_QUANTIFIED = "not quantified"
STABLE_NAME = validate.Regexp(
    r"^[a-z0-9]+(-[a-z0-9]+)*$", error="Must be lower-case words joined by hyphens, such as veggie-lunch."
)
NOT_ZERO = validate.NoneOf([0], error="Must not be zero.")


class Unique(validate.Validator):
    """Refuses a list that says the same thing twice."""

    def __call__(self, value: list[Any]) -> list[Any]:
        """The list itself."""
        if len(set(value)) < len(value):
            raise ma.ValidationError("Says the same thing twice: remove one.")
        return value


def _name(maximum: int = 80) -> ma.fields.String:
    return ma.fields.String(required=True, validate=[STABLE_NAME, validate.Length(max=maximum)])


def _one_of(choices: tuple[str, ...]) -> ma.fields.String:
    return ma.fields.String(required=True, validate=validate.OneOf(choices))


def _some_of(choices: tuple[str, ...], **kwargs: Any) -> ma.fields.List[str]:
    at_least_one = validate.Length(min=1, error="Give at least one of: " + ", ".join(choices) + ".")
    inner = ma.fields.String(validate=validate.OneOf(choices))
    return ma.fields.List(inner, validate=[at_least_one, Unique()], **kwargs)


def _points(**kwargs: Any) -> Integer:
    return Integer(minimum=-10, maximum=10, **kwargs)


class BothLanguagesSchema(Schema):
    """A short text in every language we speak."""

    fr = Text(maximum=200, required=True)
    en = Text(maximum=200, required=True)


class FactorSchema(Schema):
    """One entry of impact_factors.yaml."""

    factor = _name()
    value = ma.fields.Decimal(
        required=True, validate=validate.Range(min=0, max=1_000_000, min_inclusive=False, error="Must be above 0.")
    )
    unit = _one_of(UNITS)
    means = ma.fields.Nested(BothLanguagesSchema, required=True)
    source = Text(maximum=200, required=True)
    source_version = Text(maximum=40, required=True)
    valid_from = ma.fields.Date(required=True)


class TierSchema(Schema):
    """One of the values a challenge can be recorded with."""

    tier = _name(20)
    points = _points(required=True)
    fr = Text(maximum=80, required=True)
    en = Text(maximum=80, required=True)


class RepeatSchema(Schema):
    """How often a challenge counts."""

    times = Integer(minimum=1, maximum=100, required=True)
    per = _one_of(PERIODS)


class ImpactLineSchema(Schema):
    """How many acts of one factor a completion stands for."""

    factor = _name()
    quantity = ma.fields.Decimal(
        required=True, validate=[NOT_ZERO, validate.Range(min=-10_000, max=10_000, error="Is too large a number.")]
    )


class ImpactField(ma.fields.Field[list[dict[str, Any]]]):
    """A list of impact lines, or the words « not quantified », which become an empty list."""

    default_error_messages = {
        "form": f"Must be a list of factors with quantities, or the words: {NOT_QUANTIFIED}.",
        "twice": "Names the same factor twice: add the quantities up.",
    }

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[dict[str, Any]]:
        if value == NOT_QUANTIFIED:
            return []
        if not isinstance(value, list) or not value:
            raise self.make_error("form")
        lines: list[dict[str, Any]] = ImpactLineSchema(many=True).load(value)
        if len({line["factor"] for line in lines}) < len(lines):
            raise self.make_error("twice")
        return lines


class TextsSchema(Schema):
    """A challenge in one language."""

    title = Text(maximum=80, required=True)
    summary = Text(maximum=80, required=True)
    why = Text(maximum=600, required=True)
    how = Text(maximum=600, required=True)
    keywords = ma.fields.List(Text(maximum=40), load_default=list, validate=[validate.Length(max=10), Unique()])


class ChallengeEntrySchema(Schema):
    """One challenge of a category's file."""

    challenge = _name()
    kind = _one_of(KINDS)
    points = _points()
    tiers = ma.fields.List(
        ma.fields.Nested(TierSchema),
        validate=validate.Length(min=2, max=10, error="Give 2 to 10 tiers, or `points` instead."),
    )
    audiences = _some_of(AUDIENCES, required=True)
    age_bands = _some_of(AGE_BANDS)
    repeat = ma.fields.Nested(RepeatSchema, required=True)
    difficulty = _one_of(DIFFICULTIES)
    season = _one_of(SEASONS)
    impact = ImpactField(required=True)
    sources = ma.fields.List(Text(maximum=200), required=True, validate=validate.Length(max=10))
    fr = ma.fields.Nested(TextsSchema, required=True)
    en = ma.fields.Nested(TextsSchema, required=True)

    @ma.validates_schema(skip_on_field_errors=False, pass_original=True)
    def check_points(self, data: dict[str, Any], original: Any, **kwargs: Any) -> None:
        """Points or tiers, never zero, never both signs, the smallest tier first."""
        if ("points" in original) == ("tiers" in original):
            raise ma.ValidationError("Give either `points` or `tiers`.", "points")
        if data.get("points") == 0:
            raise ma.ValidationError("Must not be zero.", "points")
        tiers = [tier for tier in data.get("tiers", []) if isinstance(tier, dict)]
        points = [tier["points"] for tier in tiers if "points" in tier]
        if 0 in points or (points and min(points) < 0 < max(points)):
            raise ma.ValidationError("Every tier gives points, or every tier takes some away; none is zero.", "tiers")
        if sorted(set(map(abs, points))) != [abs(value) for value in points]:
            raise ma.ValidationError("Put the smallest tier first, each with more points than the one before.", "tiers")
        if len({tier.get("tier") for tier in tiers}) < len(tiers):
            raise ma.ValidationError("Two tiers have the same name: rename one.", "tiers")

    @ma.validates_schema(skip_on_field_errors=False, pass_original=True)
    def check_age_bands(self, data: dict[str, Any], original: Any, **kwargs: Any) -> None:
        """Age bands belong to schools: always there, and nowhere else."""
        is_for_schools = "school" in data.get("audiences", [])
        if "audiences" in data and is_for_schools != ("age_bands" in original):
            raise ma.ValidationError(
                "Add the age bands of the pupils." if is_for_schools else "Remove it, or add the audience school.",
                "age_bands",
            )

    @ma.validates_schema(skip_on_field_errors=False)
    def check_signs(self, data: dict[str, Any], **kwargs: Any) -> None:
        """A malus is individual and costs the planet something; everything else saves something."""
        values = [data.get("points"), *(tier.get("points") for tier in data.get("tiers", []) if isinstance(tier, dict))]
        points = next((value for value in values if value), None)
        if points is None:
            return
        if points < 0 and data.get("kind", "individual") != "individual":
            raise ma.ValidationError("A malus must be individual.", "kind")
        quantities = [line["quantity"] for line in data.get("impact", []) if "quantity" in line]
        if any((quantity < 0) != (points < 0) for quantity in quantities):
            raise ma.ValidationError("Quantities are negative for a malus and positive for the others.", "impact")
