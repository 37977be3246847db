"""The JSON of ranking."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
import msgspec
from marshmallow import validate

from services.ranking.models import FROZEN, LIVE, PER_HEAD, SCOPES, TOTAL
from shared.schemas import Schema

AGE_BANDS = ("3-5", "6-10", "11-14", "15-18")


class BoardQuerySchema(Schema):
    """Which part of a board, by which measure."""

    measure = ma.fields.String(
        validate=validate.OneOf((TOTAL, PER_HEAD)),
        metadata={"description": "Default: `per_head` for the boards of an edition, `total` for those of a league."},
    )
    around = ma.fields.UUID(metadata={"description": "A contender: shows it with five above and five below."})


class BracketQuerySchema(BoardQuerySchema):
    """The leagues of an edition may also be compared within an age band."""

    age_band = ma.fields.String(validate=validate.OneOf(AGE_BANDS), metadata={"example": "6-10"})


class StandingSchema(Schema):
    """One line of a board."""

    place = ma.fields.Integer(
        required=True, metadata={"description": "1, 2, 2, 4: equals share a place.", "example": 2}
    )
    contender_id = ma.fields.UUID(required=True)
    name = ma.fields.String(required=True, metadata={"example": "Les Lucioles"})
    points = ma.fields.Integer(required=True, metadata={"example": 127})
    heads = ma.fields.Integer(required=True, metadata={"example": 8})
    per_head = ma.fields.Float(required=True, allow_none=True, metadata={"example": 15.875})
    is_tied = ma.fields.Boolean(required=True, metadata={"example": False})


class Lines(ma.fields.List[Any]):
    """The lines of a board. Each is a StandingLine, which has the fields of StandingSchema and nothing else: what they
    are made of needs no look at every one of a hundred, which would take longer than reading them.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(ma.fields.Nested(StandingSchema), **kwargs)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return msgspec.to_builtins(value)


class BoardSchema(Schema):
    """A part of a board."""

    board = ma.fields.String(required=True, validate=validate.OneOf(tuple(SCOPES)))
    scope_id = ma.fields.UUID(required=True)
    measure = ma.fields.String(required=True, validate=validate.OneOf((TOTAL, PER_HEAD)))
    explanation = ma.fields.String(
        required=True, metadata={"example": "All points won so far.", "description": "What the measure means."}
    )
    view = ma.fields.String(
        required=True,
        validate=validate.OneOf((LIVE, FROZEN)),
        metadata={"description": "`frozen`: the board stands still until it is revealed."},
    )
    as_of = ma.fields.DateTime(
        required=True, allow_none=True, metadata={"description": "The newest event the board contains."}
    )
    heads_frozen_at = ma.fields.DateTime(
        required=True, allow_none=True, metadata={"description": "From here on the number of heads can only grow."}
    )
    total = ma.fields.Integer(required=True, metadata={"example": 1})
    page = ma.fields.Integer(required=True, metadata={"example": 1})
    page_size = ma.fields.Integer(required=True, metadata={"example": 20})
    standings = Lines(required=True)


class PositionSchema(Schema):
    """Where a player stands; null where the player is on no board."""

    player_id = ma.fields.UUID(required=True)
    view = ma.fields.String(required=True, validate=validate.OneOf((LIVE, FROZEN)))
    league = ma.fields.Nested(BoardSchema, required=True, allow_none=True)
    team = ma.fields.Nested(BoardSchema, required=True, allow_none=True)


class ImpactQuerySchema(Schema):
    """One of the three, or none for the caller's own tenant."""

    league_id = ma.fields.UUID()
    team_id = ma.fields.UUID()
    edition_id = ma.fields.UUID()


def _figure(text: str, example: int) -> ma.fields.Integer:
    return ma.fields.Integer(
        required=True, allow_none=True, metadata={"description": f"{text}; null when hidden.", "example": example}
    )


class ImpactSchema(Schema):
    """What was saved, in whole small units. Only what has a source is counted."""

    scope = ma.fields.String(required=True, validate=validate.OneOf(("league", "team", "edition", "tenant")))
    scope_id = ma.fields.UUID(required=True)
    view = ma.fields.String(required=True, validate=validate.OneOf((LIVE, FROZEN)))
    as_of = ma.fields.DateTime(required=True, allow_none=True)
    is_hidden = ma.fields.Boolean(
        required=True, metadata={"example": False, "description": "Fewer than five people: no figures."}
    )
    completions = _figure("Completions that count", 42)
    unquantified = _figure("Those of them whose impact is not quantified", 9)
    co2e_g = _figure("Grams of CO2 equivalent", 118_230)
    water_ml = _figure("Millilitres of water", 12_400_000)
    waste_g = _figure("Grams of waste", 5_600)
    learning_min = _figure("Minutes of learning", 240)


class CountersSchema(Schema):
    """All editions together."""

    players = ma.fields.Integer(required=True, metadata={"example": 133_380})
    leagues = ma.fields.Integer(required=True, metadata={"example": 9_800})
    editions = ma.fields.Integer(required=True, metadata={"example": 18})
    completions = ma.fields.Integer(required=True, metadata={"example": 1_940_000})
    unquantified = ma.fields.Integer(required=True, metadata={"example": 410_000})
    co2e_g = ma.fields.Integer(required=True, metadata={"example": 5_200_000_000})
    water_ml = ma.fields.Integer(required=True, metadata={"example": 610_000_000_000})
    waste_g = ma.fields.Integer(required=True, metadata={"example": 88_000_000})
    learning_min = ma.fields.Integer(required=True, metadata={"example": 1_200_000})
