"""What goes in and out of the JSON API."""

from __future__ import annotations

import marshmallow as ma
from marshmallow import validate

from services.challenges.models import AGE_BANDS, AUDIENCES, DIFFICULTIES, KINDS, PERIODS, SEASONS, UNITS
from shared.errors import message
from shared.i18n import LANGUAGES
from shared.schemas import Language, Schema, Text

FOOD = {"example": "food"}


class LanguageSchema(Schema):
    """The language to answer in."""

    lang = Language(metadata={"description": "Wins over the header Accept-Language."})


class ChallengeFilterSchema(LanguageSchema):
    """Which challenges to list; filters add up."""

    audience = ma.fields.String(validate=validate.OneOf(AUDIENCES))
    age_band = ma.fields.String(validate=validate.OneOf(AGE_BANDS), metadata={"description": "Of a school's pupils."})
    category = Text(maximum=40, metadata=FOOD)
    kind = ma.fields.String(validate=validate.OneOf(KINDS))
    difficulty = ma.fields.String(validate=validate.OneOf(DIFFICULTIES))
    is_malus = ma.fields.Boolean(error_messages={"invalid": message("Must be true or false.")})
    q = Text(
        maximum=100,
        metadata={
            "description": "Words; every one must begin a word of the title, summary, why or how, or of what people "
            "call it, accents and case aside. A plural finds its singular; a word of up to three letters is whole.",
            "example": "velo",
        },
    )


class CategorySchema(Schema):
    """A theme of the catalogue."""

    category = ma.fields.String(required=True, metadata=FOOD)
    language = ma.fields.String(required=True, validate=validate.OneOf(LANGUAGES))
    name = ma.fields.String(required=True, metadata={"example": "Food"})
    challenges = ma.fields.Integer(required=True, metadata={"description": "How many are on offer."})


class TierSchema(Schema):
    """One of the values a challenge can be recorded with; a plain challenge has the one tier `standard`."""

    tier = ma.fields.String(required=True, metadata={"example": "standard"})
    points = ma.fields.Integer(required=True)
    label = ma.fields.String(required=True, allow_none=True, metadata={"example": "1 meal over"})


class ImpactSchema(Schema):
    """What one completion (of the smallest tier) saves; null: not quantified. Negative for a malus."""

    co2e_g = ma.fields.Integer(required=True, allow_none=True, metadata={"description": "Grams of CO₂ equivalent."})
    water_ml = ma.fields.Integer(required=True, allow_none=True, metadata={"description": "Millilitres of water."})
    waste_g = ma.fields.Integer(required=True, allow_none=True, metadata={"description": "Grams of waste."})
    learning_min = ma.fields.Integer(required=True, allow_none=True, metadata={"description": "Minutes of learning."})


class ImpactLineSchema(Schema):
    """Where a part of the impact comes from: value × quantity = amount, in the unit."""

    factor = ma.fields.String(required=True, metadata={"example": "vegetarian-instead-of-beef-co2e"})
    means = ma.fields.String(required=True, metadata={"example": "one vegetarian meal instead of one beef meal"})
    value = ma.fields.Float(required=True)
    unit = ma.fields.String(required=True, validate=validate.OneOf(UNITS))
    quantity = ma.fields.Float(required=True)
    amount = ma.fields.Float(required=True)
    source = ma.fields.String(required=True, metadata={"example": "ADEME, Impact CO2"})
    source_version = ma.fields.String(required=True, metadata={"example": "2026-07-01"})
    valid_from = ma.fields.String(required=True, metadata={"format": "date", "example": "2026-07-01"})


class ChallengeSchema(Schema):
    """A challenge in one language."""

    challenge_id = ma.fields.UUID(required=True)
    slug = ma.fields.String(required=True, metadata={"example": "veggie-lunch"})
    version = ma.fields.Integer(required=True)
    is_current = ma.fields.Boolean(required=True)
    is_retired = ma.fields.Boolean(required=True, metadata={"description": "No longer offered.", "example": False})
    published_at = ma.fields.DateTime(required=True)
    language = ma.fields.String(required=True, validate=validate.OneOf(LANGUAGES))
    title = ma.fields.String(required=True, metadata={"example": "Give the cow the day off"})
    summary = ma.fields.String(
        required=True,
        metadata={
            "description": "What one does; empty in versions that had none.",
            "example": "Eat a meal without meat or fish",
        },
    )
    why = ma.fields.String(required=True)
    how = ma.fields.String(required=True)
    category = ma.fields.String(required=True, metadata=FOOD)
    kind = ma.fields.String(required=True, validate=validate.OneOf(KINDS))
    is_malus = ma.fields.Boolean(required=True, metadata={"example": False})
    tiers = ma.fields.List(ma.fields.Nested(TierSchema), required=True)
    audiences = ma.fields.List(ma.fields.String(validate=validate.OneOf(AUDIENCES)), required=True)
    age_bands = ma.fields.List(ma.fields.String(validate=validate.OneOf(AGE_BANDS)), required=True)
    times = ma.fields.Integer(required=True, metadata={"description": "How often it counts…"})
    per = ma.fields.String(
        required=True, validate=validate.OneOf(PERIODS), metadata={"description": "… per day, week or edition."}
    )
    difficulty = ma.fields.String(required=True, validate=validate.OneOf(DIFFICULTIES))
    season = ma.fields.String(required=True, validate=validate.OneOf(SEASONS))
    impact = ma.fields.Nested(
        ImpactSchema, required=True, allow_none=True, metadata={"description": "Null: not quantified."}
    )
    impact_lines = ma.fields.List(ma.fields.Nested(ImpactLineSchema), required=True)
    sources = ma.fields.List(ma.fields.String(), required=True)


class ChallengeTextSchema(Schema):
    """A challenge's words in one language."""

    language = ma.fields.String(required=True, validate=validate.OneOf(LANGUAGES))
    title = ma.fields.String(required=True)
    summary = ma.fields.String(required=True)
    why = ma.fields.String(required=True)
    how = ma.fields.String(required=True)


class ChallengeDetailSchema(ChallengeSchema):
    """A challenge in one language, and its words in every language."""

    texts = ma.fields.List(ma.fields.Nested(ChallengeTextSchema), required=True)
