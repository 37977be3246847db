"""What comes in and goes out of the leagues API."""

from __future__ import annotations

import marshmallow as ma
from marshmallow import validate

from services.leagues.domain.editions import PHASES
from services.leagues.domain.reactions import KINDS
from services.leagues.models import EVERYONE
from shared.errors import message
from shared.schemas import Integer, Schema, Text

AGE_BANDS = ("3-5", "6-10", "11-14", "15-18")
AUDIENCES = ("community", "company", "school", EVERYONE)
LOCAL = {
    "format": "date-time-local",  # not RFC 3339's date-time, which has a zone
    "description": "Wall-clock time, without a zone: it holds in the zone of each tenant.",
    "example": "2026-11-23T09:00:00",
}


MAX_NAME = 80
"""How many characters the name of an edition, a league or a team has at most."""


def league_name(**kwargs: bool) -> Text:
    """A name for an edition, a league or a team."""
    return Text(maximum=MAX_NAME, metadata={"example": "CM2 de Mme Diop"}, **kwargs)


class LocalDateTime(ma.fields.NaiveDateTime):
    """A wall-clock time. One with a zone is refused: the zone is the tenant's."""

    default_error_messages = {
        "zoned": message("Give the time without a zone, such as 2026-11-23T09:00:00: the tenant's zone is used."),
        "year": message("Give a year between 2000 and 2100."),
    }

    def _deserialize(self, value, attr, data, **kwargs):  # type: ignore[no-untyped-def]
        moment = ma.fields.DateTime(format="iso")._deserialize(value, attr, data, **kwargs)
        if moment.tzinfo is not None:
            raise self.make_error("zoned")
        if not 2000 <= moment.year <= 2100:
            raise self.make_error("year")
        return moment


class Moment(ma.fields.AwareDateTime):
    """A moment with its zone, in our time."""

    default_error_messages = {"year": message("Give a year between 2000 and 2100.")}

    def _deserialize(self, value, attr, data, **kwargs):  # type: ignore[no-untyped-def]
        moment = super()._deserialize(value, attr, data, **kwargs)
        if not 2000 <= moment.year <= 2100:
            raise self.make_error("year")
        return moment


class EditionSchema(Schema):
    """An edition, with its phase now."""

    edition_id = ma.fields.UUID()
    tenant_id = ma.fields.UUID()
    name = ma.fields.String()
    audience = ma.fields.String(validate=validate.OneOf(AUDIENCES))
    is_open = ma.fields.Boolean(attribute="is_public")
    phase = ma.fields.String(validate=validate.OneOf(PHASES))
    zone = ma.fields.String(metadata={"example": "Europe/Paris"})
    starts_at = LocalDateTime(metadata=LOCAL)
    ends_at = LocalDateTime(metadata=LOCAL)
    registration_ends_at = LocalDateTime(metadata=LOCAL)
    grace_days = ma.fields.Integer()
    min_players = ma.fields.Integer()
    max_players = ma.fields.Integer()


class EditionChangeSchema(Schema):
    """What may change of an edition."""

    name = league_name()
    starts_at = LocalDateTime(metadata=LOCAL)
    ends_at = LocalDateTime(metadata={**LOCAL, "example": "2026-12-14T20:00:00"})
    registration_ends_at = LocalDateTime(metadata=LOCAL)
    grace_days = Integer(minimum=0, maximum=14, metadata={"example": 2})
    min_players = Integer(minimum=1, maximum=1000, metadata={"example": 6})
    max_players = Integer(minimum=1, maximum=1000, metadata={"example": 24})


class EditionCreateSchema(Schema):
    """A new edition. Only its name and start are needed: it lasts three weeks."""

    name = league_name(required=True)
    starts_at = LocalDateTime(required=True, metadata=LOCAL)
    ends_at = LocalDateTime(metadata={**LOCAL, "example": "2026-12-14T20:00:00"})
    registration_ends_at = LocalDateTime(metadata=LOCAL)
    audience = ma.fields.String(validate=validate.OneOf(AUDIENCES), load_default=None, metadata={"example": EVERYONE})
    is_open = ma.fields.Boolean(
        load_default=False, metadata={"example": False, "description": "Other tenants may join. Operators only."}
    )
    grace_days = Integer(minimum=0, maximum=14, load_default=2, metadata={"example": 2})
    min_players = Integer(minimum=1, maximum=1000, load_default=6, metadata={"example": 6})
    max_players = Integer(minimum=1, maximum=1000, load_default=40, metadata={"example": 40})


class EditionCloneSchema(Schema):
    """An edition like another one, from a new start."""

    name = league_name(required=True)
    starts_at = LocalDateTime(required=True, metadata=LOCAL)


class PhaseSchema(Schema):
    """The phase to go to."""

    phase = ma.fields.String(required=True, validate=validate.OneOf(("registration", "frozen", "revealed", "archived")))


class LeagueSchema(Schema):
    """A league. The join code is shown to its leaders only."""

    league_id = ma.fields.UUID()
    edition_id = ma.fields.UUID()
    name = ma.fields.String()
    age_band = ma.fields.String(allow_none=True, validate=validate.OneOf(AGE_BANDS))
    zone = ma.fields.String(metadata={"example": "Europe/Paris"})
    is_open = ma.fields.Boolean()
    phase = ma.fields.String(validate=validate.OneOf(PHASES))
    teams_locked_at = ma.fields.AwareDateTime(allow_none=True)
    created_at = ma.fields.AwareDateTime()
    players = ma.fields.Integer()
    is_under_minimum = ma.fields.Boolean(
        metadata={"description": "Fewer players than its edition expects: it can play."}
    )
    code = ma.fields.String(metadata={"example": "K7MPX2QA"})
    join_link = ma.fields.String(metadata={"example": "http://127.0.0.1:8000/leagues/join/K7MPX2QA"})


class LeagueCreateSchema(Schema):
    """A new league of the caller's tenant; the caller leads it."""

    edition_id = ma.fields.UUID(required=True)
    name = league_name(required=True)
    age_band = ma.fields.String(
        validate=validate.OneOf(AGE_BANDS), load_default=None, allow_none=True, metadata={"example": "6-10"}
    )
    is_open = ma.fields.Boolean(
        load_default=False, metadata={"description": "Players who come alone may join without a code."}
    )
    teams = ma.fields.List(
        Text(maximum=80, metadata={"example": "Les Colibris"}),
        validate=validate.Length(min=1, max=12),
        load_default=lambda: ["1", "2"],
        metadata={"example": ["Les Colibris", "Les Abeilles"]},
    )


class LeagueChangeSchema(Schema):
    """What may change of a league."""

    name = league_name()
    is_open = ma.fields.Boolean()
    age_band = ma.fields.String(validate=validate.OneOf(AGE_BANDS), allow_none=True)
    teams_locked_at = Moment(allow_none=True, metadata={"example": "2026-11-30T09:00:00+01:00"})


class LeagueQuerySchema(Schema):
    """Which leagues."""

    edition_id = ma.fields.UUID()
    is_mine = ma.fields.Boolean(load_default=False)


class JoinPreviewSchema(Schema):
    """What somebody with a code sees before joining."""

    league_id = ma.fields.UUID()
    name = ma.fields.String()
    edition = ma.fields.String()
    phase = ma.fields.String(validate=validate.OneOf(PHASES))
    teams = ma.fields.List(ma.fields.Nested(lambda: TeamSchema()))


class JoinSchema(Schema):
    """Joining with a code; in a chosen team, or in the smallest one."""

    code = Text(required=True, maximum=20, metadata={"example": "K7MP-X2QA"})
    display_name = Text(maximum=80, metadata={"example": "Renard malin"})
    team_id = ma.fields.UUID(allow_none=True, load_default=None, metadata={"example": None})


class TeamSchema(Schema):
    """A team, with how many play in it."""

    team_id = ma.fields.UUID()
    league_id = ma.fields.UUID()
    name = ma.fields.String()
    players = ma.fields.Integer()


class TeamCreateSchema(Schema):
    """A new team."""

    name = Text(required=True, maximum=80, metadata={"example": "Les Abeilles"})


class LeaderSchema(Schema):
    """Somebody who leads a league."""

    person_id = ma.fields.UUID()
    display_name = ma.fields.String(allow_none=True)
    appointed_at = ma.fields.AwareDateTime()


class LeaderAppointSchema(Schema):
    """Whom to make a leader."""

    person_id = ma.fields.UUID(required=True)


class BalanceSchema(Schema):
    """What balancing did."""

    moved = ma.fields.Integer()
    teams = ma.fields.List(ma.fields.Nested(TeamSchema))


class PlayerSchema(Schema):
    """A player of a league."""

    player_id = ma.fields.UUID()
    league_id = ma.fields.UUID()
    team_id = ma.fields.UUID()
    person_id = ma.fields.UUID(allow_none=True)
    display_name = ma.fields.String()
    joined_at = ma.fields.AwareDateTime()


class PlayersAddSchema(Schema):
    """Players whom a leader enters by pseudonym, all or none."""

    names = ma.fields.List(
        Text(maximum=80, metadata={"example": "Renard malin"}),
        required=True,
        validate=validate.Length(min=1, max=100),
    )
    team_id = ma.fields.UUID(allow_none=True, load_default=None, metadata={"example": None})


class PlayerChangeSchema(Schema):
    """Another name, or another team."""

    display_name = Text(maximum=80, metadata={"example": "Renard rusé"})
    team_id = ma.fields.UUID()


class PlayerQuerySchema(Schema):
    """Which players."""

    team_id = ma.fields.UUID()


class ImpactSchema(Schema):
    """What was saved, in whole small units; null is « not quantified »."""

    co2e_g = ma.fields.Integer(allow_none=True)
    water_ml = ma.fields.Integer(allow_none=True)
    waste_g = ma.fields.Integer(allow_none=True)
    learning_min = ma.fields.Integer(allow_none=True)


class CompletionSchema(Schema):
    """A completion, with what it was worth when it was recorded."""

    completion_id = ma.fields.UUID()
    league_id = ma.fields.UUID()
    team_id = ma.fields.UUID()
    player_id = ma.fields.UUID(allow_none=True)
    challenge_id = ma.fields.UUID()
    challenge_version = ma.fields.Integer()
    category = ma.fields.String()
    tier = ma.fields.String()
    points = ma.fields.Integer()
    impact = ma.fields.Nested(ImpactSchema, allow_none=True)
    day = ma.fields.Date()
    note = ma.fields.String(allow_none=True)
    author_id = ma.fields.UUID(allow_none=True)
    recorded_at = ma.fields.AwareDateTime()
    is_withdrawn = ma.fields.Boolean()
    withdrawn_at = ma.fields.AwareDateTime(allow_none=True)


class ActSchema(Schema):
    """What was done. Without `player_id`: by the caller; `team_id`: a challenge of the whole team."""

    challenge_id = ma.fields.UUID(required=True)
    player_id = ma.fields.UUID(metadata={"example": "0190c0de-7a11-7000-8000-000000000002"})
    team_id = ma.fields.UUID(metadata={"example": "0190c0de-7a11-7000-8000-000000000003"})
    tier = Text(maximum=40, metadata={"example": "standard"})
    day = ma.fields.Date(metadata={"description": "Today when left out."})
    note = Text(maximum=500, is_multiline=True, metadata={"example": "À vélo sous la pluie !"})


class CompletionPutSchema(ActSchema):
    """One act, in one league."""

    league_id = ma.fields.UUID(required=True)


class ActOfManySchema(ActSchema):
    """One act of several; its id is made by the client, as a UUIDv7."""

    completion_id = ma.fields.UUID(required=True)


class CompletionsRecordSchema(Schema):
    """Acts of one league, recorded together."""

    completions = ma.fields.List(
        ma.fields.Nested(ActOfManySchema), required=True, validate=validate.Length(min=1, max=200)
    )


class OutcomeSchema(Schema):
    """The answer to one act of several."""

    completion_id = ma.fields.UUID()
    status = ma.fields.String(validate=validate.OneOf(("recorded", "unchanged", "refused")))
    code = ma.fields.String(allow_none=True, metadata={"example": None})
    title = ma.fields.String(allow_none=True, metadata={"example": None})
    completion = ma.fields.Nested(CompletionSchema, allow_none=True)


class CompletionQuerySchema(Schema):
    """Which completions."""

    league_id = ma.fields.UUID()
    player_id = ma.fields.UUID()
    challenge_id = ma.fields.UUID()
    has_withdrawn = ma.fields.Boolean(load_default=False)


class ActivitySchema(Schema):
    """One line of a league's recent activity."""

    completion_id = ma.fields.UUID()
    at = ma.fields.AwareDateTime()
    player = ma.fields.String(allow_none=True, metadata={"example": "Renard malin"})
    team = ma.fields.String(metadata={"example": "Les Colibris"})
    challenge_id = ma.fields.UUID()
    challenge = ma.fields.String(metadata={"example": "Eat a vegetarian lunch"})
    points = ma.fields.Integer()
    reactions = ma.fields.Dict(
        keys=ma.fields.String(validate=validate.OneOf(KINDS)),
        values=ma.fields.Integer(),
        metadata={"description": "How often each kind; a kind that nobody chose is absent.", "example": {"bravo": 2}},
    )
    my_reaction = ma.fields.String(
        validate=validate.OneOf(KINDS), allow_none=True, metadata={"description": "Null: none.", "example": None}
    )


class ReactionSchema(Schema):
    """What a member of the league says to a completion."""

    kind = ma.fields.String(required=True, validate=validate.OneOf(KINDS), metadata={"example": "bravo"})
