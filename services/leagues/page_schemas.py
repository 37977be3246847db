"""What the forms of the leagues' pages send, where it is not what the API takes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import marshmallow as ma
from marshmallow import validate

from services.leagues.domain.grid import Tick
from services.leagues.schemas import AGE_BANDS, AUDIENCES, LocalDateTime, PlayerChangeSchema, league_name
from shared.errors import message
from shared.schemas import Schema, Text


class Lines(ma.fields.Field[list[str]]):
    """One thing per line of a text."""

    default_error_messages = {
        "number": message("Give at least one and at most {maximum}, one per line."),
        "long": message("A line is longer than 80 characters."),
    }

    def __init__(self, *, maximum: int, keeps_doubles: bool = False, **kwargs: Any) -> None:
        self.maximum, self.keeps_doubles = maximum, keeps_doubles
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[str]:
        lines = [" ".join(line.split()) for line in str(value).splitlines()]
        found = [line for line in lines if line]
        if not self.keeps_doubles:
            found = list(dict.fromkeys(found))
        if not 1 <= len(found) <= self.maximum:
            raise self.make_error("number", maximum=self.maximum)
        if any(len(line) > 80 for line in found):
            raise self.make_error("long")
        return found


def _number(least: int, most: int) -> ma.fields.Integer:
    """A whole number as it is typed; the API's own takes no text."""
    return ma.fields.Integer(required=True, validate=validate.Range(min=least, max=most))


class LeaguePageSchema(Schema):
    """A new league."""

    edition_id = ma.fields.UUID(required=True)
    name = league_name(required=True)
    age_band = ma.fields.String(validate=validate.OneOf(AGE_BANDS), allow_none=True, load_default=None)
    is_open = ma.fields.Boolean(load_default=False)
    teams = Lines(maximum=12, required=True)


class SettingsPageSchema(Schema):
    """What a leader changes of a league."""

    name = league_name(required=True)
    age_band = ma.fields.String(validate=validate.OneOf(AGE_BANDS), allow_none=True, load_default=None)
    is_open = ma.fields.Boolean(load_default=False)


class JoinPageSchema(Schema):
    """Who joins a league, in which team."""

    display_name = Text(maximum=80, required=True)
    team_id = ma.fields.UUID(allow_none=True, load_default=None)


class RecordPageSchema(Schema):
    """One act of the reader. The id was made with the form, so that sending it twice counts once."""

    completion_id = ma.fields.UUID(required=True)
    tier = Text(maximum=40)
    day = ma.fields.Date()
    note = Text(maximum=500, is_multiline=True)


class RecordManyPageSchema(RecordPageSchema):
    """The same act of several players, ticked by a leader."""

    player_ids = ma.fields.List(
        ma.fields.UUID(), required=True, validate=validate.Length(min=1, error=message("Tick at least one."))
    )


class Cell(ma.fields.Field[Tick]):
    """A cell of the grid: the ids of the challenge and of the player or team, and a tier where there are several."""

    default_error_messages = {"cell": message("Not a cell of the grid.")}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Tick:
        challenge, _colon, rest = str(value).partition(":")
        subject, _colon, tier = rest.partition(":")
        try:
            return Tick(UUID(challenge), UUID(subject), tier[:40] or None)
        except ValueError:
            raise self.make_error("cell") from None


class GridPageSchema(Schema):
    """The ticks of a grid for one day, and the id from which each completion's own is made."""

    completion_id = ma.fields.UUID(required=True)
    day = ma.fields.Date(allow_none=True, load_default=None)
    ticks = ma.fields.List(
        Cell(),
        required=True,
        validate=[
            validate.Length(min=1, error=message("Tick at least one.")),
            validate.Length(max=500, error=message("Tick at most 500 at once.")),
        ],
    )


class PlayersPageSchema(Schema):
    """Players by pseudonym, one per line."""

    names = Lines(maximum=100, keeps_doubles=True, required=True)
    team_id = ma.fields.UUID(allow_none=True, load_default=None)


class PlayerPageSchema(PlayerChangeSchema):
    """A player's name, and their team where a leader asks."""

    display_name = Text(maximum=80, required=True)


class EditionPageSchema(Schema):
    """An edition. `audience`: of an open one, which operators make."""

    name = league_name(required=True)
    audience = ma.fields.String(validate=validate.OneOf(AUDIENCES))
    starts_at = LocalDateTime(required=True)
    ends_at = LocalDateTime()
    grace_days = _number(0, 14)
    min_players = _number(1, 1000)
    max_players = _number(1, 1000)


class EditionNamePageSchema(Schema):
    """An edition whose dates are fixed."""

    name = league_name(required=True)


class ClonePageSchema(Schema):
    """Last year's edition again."""

    name = league_name(required=True)
    starts_at = LocalDateTime(required=True)
