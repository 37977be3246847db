"""Every event that crosses a border between services, grouped by its emitter: the map of the system.

Events are facts, named in the past tense. A published field is never removed or retyped (`tests/rules` holds that);
a field added later has a default. `key` names the field whose events stay in order; None means the tenant.
`revision` counts the changes of the thing described: of two facts about it the higher revision wins, whatever the
order of their arrival.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """The base of every event; unknown fields are ignored, so that a producer may add one."""

    source: ClassVar[str]
    key: ClassVar[str | None] = None


# --- identity: tenants, people, keys. Key: the tenant. ---------------------------------------------------------------


class IdentityEvent(Event, frozen=True, kw_only=True):
    """Emitted by identity."""

    source: ClassVar[str] = "identity"


class TenantFounded(IdentityEvent, frozen=True, kw_only=True):
    """A tenant exists, or its facts changed (a higher revision)."""

    kind: str  # school | company | community | platform
    name: str
    country: str
    language: str
    zone: str
    revision: int


class TenantSuspended(IdentityEvent, frozen=True, kw_only=True):
    """Nobody of the tenant may sign in or act."""

    revision: int


class TenantResumed(IdentityEvent, frozen=True, kw_only=True):
    """The tenant may act again."""

    revision: int


class PersonJoined(IdentityEvent, frozen=True, kw_only=True):
    """A person belongs to the tenant, or their name or roles changed (a higher revision)."""

    person_id: UUID
    display_name: str
    roles: list[str]
    language: str
    revision: int


class PersonSuspended(IdentityEvent, frozen=True, kw_only=True):
    """The person may not act."""

    person_id: UUID
    revision: int


class PersonResumed(IdentityEvent, frozen=True, kw_only=True):
    """The person may act again."""

    person_id: UUID
    revision: int


class PersonLeft(IdentityEvent, frozen=True, kw_only=True):
    """The person left the tenant for good."""

    person_id: UUID
    revision: int


class AccessRevoked(IdentityEvent, frozen=True, kw_only=True):
    """Access tokens of this person issued before `before` are refused; with `session_id`, only that session's."""

    person_id: UUID
    session_id: UUID | None
    before: datetime


class SigningKeyPublished(IdentityEvent, frozen=True, kw_only=True):
    """A public key that signs access tokens, as a JWK; refused after `expires_at`."""

    key_id: str
    jwk: dict[str, str]
    expires_at: datetime


# --- challenges: the catalogue. Key: the challenge. ------------------------------------------------------------------


class Impact(msgspec.Struct, frozen=True, kw_only=True):
    """What one completion saves, in whole small units so that sums are exact; None is « not quantified »."""

    co2e_g: int | None = None
    water_ml: int | None = None
    waste_g: int | None = None
    learning_min: int | None = None


class Tier(msgspec.Struct, frozen=True, kw_only=True):
    """One of the values a challenge can be recorded with; a plain challenge has the one tier `standard`.

    `labels` says in each language what the tier is ("1 meal over"); empty for a plain challenge.
    """

    tier: str
    points: int
    labels: dict[str, str] = {}


class ChallengeEvent(Event, frozen=True, kw_only=True):
    """Emitted by challenges."""

    source: ClassVar[str] = "challenges"
    key: ClassVar[str | None] = "challenge_id"
    challenge_id: UUID


class ChallengePublished(ChallengeEvent, frozen=True, kw_only=True):
    """An immutable version of a challenge; the highest version is the one that is played.

    `summaries` says in each language what one does; `words`, which words a search finds it by: those of its texts,
    folded (`shared.words`), each once. Both are empty where the event is older than they are.
    """

    version: int
    slug: str
    category: str
    kind: str  # individual | team | maxi
    tiers: list[Tier]
    audiences: list[str]
    age_bands: list[str]
    times: int
    per: str  # day | week | edition
    impact: Impact | None
    titles: dict[str, str]
    summaries: dict[str, str] = {}
    words: dict[str, str] = {}


class ChallengeRetired(ChallengeEvent, frozen=True, kw_only=True):
    """No longer offered; `version` is the last one. What was recorded with it stays."""

    version: int


# --- leagues: the game. Key: the league; an edition's own facts: the edition. ----------------------------------------


class EditionEvent(Event, frozen=True, kw_only=True):
    """Emitted by leagues about an edition; the tenant of the envelope owns it."""

    source: ClassVar[str] = "leagues"
    key: ClassVar[str | None] = "edition_id"
    edition_id: UUID


class EditionScheduled(EditionEvent, frozen=True, kw_only=True):
    """An edition was published, or its facts changed (a higher revision). Moments are in the owner's zone."""

    name: str
    audience: str  # community | company | school
    is_open: bool
    starts_at: datetime
    ends_at: datetime
    heads_frozen_at: datetime
    revision: int


class EditionFrozen(EditionEvent, frozen=True, kw_only=True):
    """The public boards stand still from here."""

    at: datetime


class EditionRevealed(EditionEvent, frozen=True, kw_only=True):
    """The true boards are public."""

    at: datetime


class LeagueEvent(Event, frozen=True, kw_only=True):
    """Emitted by leagues about what happens in one league; the tenant of the envelope is the league's."""

    source: ClassVar[str] = "leagues"
    key: ClassVar[str | None] = "league_id"
    league_id: UUID
    edition_id: UUID
    edition_tenant_id: UUID


class LeagueCreated(LeagueEvent, frozen=True, kw_only=True):
    """A league exists, or its facts changed. `heads_frozen_at`: when its head count stops shrinking."""

    name: str
    tenant_name: str
    age_band: str | None
    heads_frozen_at: datetime
    revision: int


class TeamCreated(LeagueEvent, frozen=True, kw_only=True):
    """A team exists, or was renamed."""

    team_id: UUID
    name: str
    revision: int


class LeaderAppointed(LeagueEvent, frozen=True, kw_only=True):
    """The person leads the league."""

    person_id: UUID


class LeaderResigned(LeagueEvent, frozen=True, kw_only=True):
    """The person no longer leads the league."""

    person_id: UUID


class PlayerEvent(LeagueEvent, frozen=True, kw_only=True):
    """About one player. Revisions count the moves of the player: 1 is the joining."""

    player_id: UUID
    team_id: UUID
    person_id: UUID | None
    display_name: str
    at: datetime
    revision: int


class PlayerJoined(PlayerEvent, frozen=True, kw_only=True):
    """A player joined the league, in this team."""


class PlayerMoved(PlayerEvent, frozen=True, kw_only=True):
    """A player now plays in this team; points already won stay where they were won."""


class PlayerRenamed(PlayerEvent, frozen=True, kw_only=True):
    """A player shows another name."""


class PlayerLeft(PlayerEvent, frozen=True, kw_only=True):
    """A player left the league; the points stay."""


class CompletionEvent(LeagueEvent, frozen=True, kw_only=True):
    """About one completion, with everything that was copied onto it. `player_id` None: a team's challenge."""

    completion_id: UUID
    team_id: UUID
    player_id: UUID | None
    challenge_id: UUID
    challenge_version: int
    category: str
    tier: str
    day: date
    points: int
    impact: Impact | None
    author_id: UUID | None
    at: datetime


class CompletionRecorded(CompletionEvent, frozen=True, kw_only=True):
    """A completion counts."""


class CompletionWithdrawn(CompletionEvent, frozen=True, kw_only=True):
    """A completion no longer counts; `points` and `impact` are those it had."""


# --- ranking: what the boards say. Key: the league or the edition. ---------------------------------------------------


class BoardsRevealed(Event, frozen=True, kw_only=True):
    """The boards of an edition show the truth again."""

    source: ClassVar[str] = "ranking"
    key: ClassVar[str | None] = "edition_id"
    edition_id: UUID


def _leaves(kind: type[Event]) -> list[type[Event]]:
    children = kind.__subclasses__()
    return [kind] if not children else [leaf for child in children for leaf in _leaves(child)]


EVENTS: dict[str, type[Event]] = {kind.__name__: kind for kind in _leaves(Event)}
"""Every event by the name its envelope carries."""
