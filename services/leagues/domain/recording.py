"""Recording: what counts, how often, for how much.

One act or a whole class take the same way: `record_completions` answers each act by itself, in one transaction and
with the same few queries whatever their number.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.leagues.domain.completions import completion_fact, is_own
from services.leagues.domain.editions import (
    GRACE,
    RUNNING,
    Calendar,
    calendar_of,
    phase_of,
    today_in,
)
from services.leagues.domain.leagues import edition_of, leads
from services.leagues.errors import (
    AnotherCompletion,
    CapReached,
    ChallengeOfAnotherAudience,
    ChallengeUnknown,
    DayInFuture,
    DayOutsideEdition,
    EditionNotOpen,
    NotYours,
    PlayerUnknown,
    TeamUnknown,
    TierUnknown,
)
from services.leagues.models import Challenge, Completion, League, Player, Team
from shared.auth import Caller
from shared.clock import transaction_time
from shared.contracts import CompletionRecorded
from shared.database import insert_new
from shared.errors import Refusal, Word, message, words
from shared.outbox import emit

INDIVIDUAL = "individual"
RACES = 3
MEASURES = ("co2e_g", "water_ml", "waste_g", "learning_min")


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody says was done. `player_id` None: by the caller; `team_id`: for a challenge of the whole team."""

    completion_id: UUID
    challenge_id: UUID
    player_id: UUID | None = None
    team_id: UUID | None = None
    tier: str | None = None
    day: date | None = None
    note: str | None = None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to one act: a completion (new, or the same as before), or the reason why not."""

    act: Act
    completion: Completion | None = None
    refusal: Refusal | None = None
    is_new: bool = False


def record_completion(session: Session, caller: Caller, league: League, act: Act) -> Outcome:
    """Records one act. A resend with the same id returns the completion it made; raises the refusal otherwise."""
    [outcome] = record_completions(session, caller, league, [act])
    if outcome.refusal is not None:
        raise outcome.refusal
    return outcome


def record_completions(session: Session, caller: Caller, league: League, acts: Sequence[Act]) -> list[Outcome]:
    """Records acts of one league; each is accepted or refused by itself, in the order given.

    Players record for themselves, leaders for anybody in the league.
    """
    recorder = _Recorder(session, caller, league)
    outcomes: dict[int, Outcome] = {}
    waiting = dict(enumerate(acts))
    races = 0
    while waiting and races < RACES:  # a slot that somebody else took in the meantime: look again
        found = recorder.attempt(waiting)
        races = 0 if found else races + 1
        outcomes |= found
        waiting = {index: act for index, act in waiting.items() if index not in outcomes}
    for index, act in waiting.items():
        outcomes[index] = Outcome(act=act, refusal=CapReached(times=1, per=Word("edition")))
    return [outcomes[index] for index in range(len(acts))]


class _Recorder:
    """One batch of acts on their way into the table."""

    def __init__(self, session: Session, caller: Caller, league: League) -> None:
        self.session = session
        self.caller = caller
        self.league = league
        self.now = transaction_time(session)
        edition = edition_of(session, league)
        self.calendar: Calendar = calendar_of(edition, league.zone)
        self.phase = phase_of(edition, self.calendar, self.now)
        self.today = today_in(self.calendar, self.now)
        self.is_leader = leads(session, caller, league)

    def attempt(self, acts: dict[int, Act]) -> dict[int, Outcome]:
        """Outcomes by index; an act whose slot was lost to somebody else in the meantime has none yet."""
        self.known = self._load_known(acts.values())
        self.challenges = self._load(Challenge, Challenge.challenge_id, (act.challenge_id for act in acts.values()))
        self._load_players(acts.values())
        outcomes: dict[int, Outcome] = {}
        rows: dict[int, dict[str, Any]] = {}
        planned: set[UUID] = set()
        for index, act in acts.items():
            if act.completion_id in planned:
                continue  # the same id twice in one batch: the next attempt knows what became of the first
            try:
                known = self.known.get(act.completion_id)
                if known is not None:
                    outcomes[index] = self._same(act, known)
                else:
                    rows[index] = self._row(act)
                    planned.add(act.completion_id)
            except Refusal as refusal:
                outcomes[index] = Outcome(act=act, refusal=refusal)
        outcomes |= self._take_slots(acts, rows)
        return outcomes | self._insert(acts, rows)

    def _load_known(self, acts: Iterable[Act]) -> dict[UUID, Completion]:
        return self._load(Completion, Completion.completion_id, (act.completion_id for act in acts))

    def _load(self, model: Any, column: Any, ids: Iterable[UUID | None]) -> dict[UUID, Any]:
        wanted = {value for value in ids if value is not None}
        if not wanted:
            return {}
        rows = self.session.scalars(
            sa.select(model).where(column.in_(wanted)).execution_options(populate_existing=True)
        )
        return {getattr(row, column.key): row for row in rows}

    def _load_players(self, acts: Iterable[Act]) -> None:
        ids = {act.player_id for act in acts if act.player_id is not None}
        players = self.session.scalars(
            sa.select(Player).where(
                Player.league_id == self.league.league_id,
                Player.left_at.is_(None),
                sa.or_(Player.player_id.in_(ids), Player.person_id == self.caller.person_id),
            )
        ).all()
        self.players = {player.player_id: player for player in players}
        self.own = next((player for player in players if player.person_id == self.caller.person_id), None)

    def _same(self, act: Act, known: Completion) -> Outcome:
        """A resend: the same act gives the same answer, whatever has changed since; another one is refused."""
        same = (
            known.league_id == self.league.league_id
            and known.challenge_id == act.challenge_id
            and self._is_same_subject(act, known)
            and act.tier in (None, known.tier)
            and (act.day or self._default_day(known.recorded_at)) == known.day
            and act.note == known.note
        )
        if not same:
            raise AnotherCompletion
        if not self.is_leader and known.author_id != self.caller.person_id and not self._is_own(known):
            raise NotYours
        return Outcome(act=act, completion=known)

    def _is_same_subject(self, act: Act, known: Completion) -> bool:
        """Whether an act is by the player, or of the team, of a completion; without `player_id` it is the caller's."""
        is_named = act.player_id is not None and known.player_id is not None
        is_same = act.player_id == known.player_id if is_named else self._is_own(known)
        return is_same and act.team_id in (None, known.team_id)

    def _is_own(self, known: Completion) -> bool:
        return is_own(self.session, self.caller, known)

    def _row(self, act: Act) -> dict[str, Any]:
        """The row an act would make. Raises what refuses it."""
        if self.phase not in (RUNNING, GRACE):
            raise EditionNotOpen(phase=Word(self.phase), allowed=words((RUNNING, GRACE)))
        challenge = self._challenge(act)
        player = self._player(act)
        is_individual = challenge.kind == INDIVIDUAL
        if is_individual and player is None:
            raise PlayerUnknown if self.is_leader else NotYours
        team_id = player.team_id if player is not None else self._team(act)
        if act.team_id not in (None, team_id):
            raise TeamUnknown if self.is_leader else NotYours
        tier = self._tier(challenge, act.tier)
        day = self._day(act.day)
        return {
            "tenant_id": self.league.tenant_id,
            "completion_id": act.completion_id,
            "league_id": self.league.league_id,
            "edition_tenant_id": self.league.edition_tenant_id,
            "edition_id": self.league.edition_id,
            "team_id": team_id,
            "player_id": player.player_id if is_individual and player is not None else None,
            "subject_id": player.player_id if is_individual and player is not None else team_id,
            "challenge_id": challenge.challenge_id,
            "challenge_version": challenge.version,
            "category": challenge.category,
            "tier": tier,
            "points": challenge.tiers[tier],
            **impact_of(challenge, tier),
            "day": day,
            "period": period_of(challenge.per, day),
            "slots": challenge.times,
            "note": act.note,
            "author_id": self.caller.person_id,
            "recorded_at": self.now,
        }

    def _challenge(self, act: Act) -> Challenge:
        challenge: Challenge | None = self.challenges.get(act.challenge_id)
        if challenge is None or challenge.is_retired:
            raise ChallengeUnknown
        band = self.league.age_band
        fits = self.caller.tenant_kind in challenge.audiences and (band is None or band in challenge.age_bands)
        if not fits:
            raise ChallengeOfAnotherAudience(audiences=words([*challenge.audiences, *challenge.age_bands]))
        return challenge

    def _player(self, act: Act) -> Player | None:
        if act.player_id is None:
            return None if act.team_id is not None and self.is_leader else self.own
        player = self.players.get(act.player_id)
        if player is None:
            raise PlayerUnknown
        if not self.is_leader and player is not self.own:
            raise NotYours
        return player

    def _team(self, act: Act) -> UUID:
        if not self.is_leader:
            raise NotYours
        if act.team_id is None or act.team_id not in self.teams:
            raise TeamUnknown
        return act.team_id

    @functools.cached_property
    def teams(self) -> set[UUID]:
        """The teams of the league."""
        teams = sa.select(Team.team_id).where(Team.league_id == self.league.league_id)
        return set(self.session.scalars(teams))

    def _tier(self, challenge: Challenge, tier: str | None) -> str:
        if tier is None and len(challenge.tiers) == 1:
            return next(iter(challenge.tiers))
        if tier not in challenge.tiers:
            raise TierUnknown(tiers=list(challenge.tiers), fields={"tier": [message("Not one of the values offered.")]})
        return tier

    def _day(self, day: date | None) -> date:
        """The day of the act: today or before, within the edition."""
        calendar = self.calendar
        day = day or self._default_day(self.now)
        if day > self.today:
            raise DayInFuture(day=day.isoformat())
        if not calendar.first_day <= day <= calendar.last_day:
            raise DayOutsideEdition(
                day=day.isoformat(), first=calendar.first_day.isoformat(), last=calendar.last_day.isoformat()
            )
        return day

    def _default_day(self, recorded_at: datetime) -> date:
        """The day of an act that names none: today, in grace the edition's last day."""
        return min(today_in(self.calendar, recorded_at), self.calendar.last_day)

    def _take_slots(self, acts: dict[int, Act], rows: dict[int, dict[str, Any]]) -> dict[int, Outcome]:
        """Gives each row the first free slot of its period; refuses (and drops) the rows that find none."""
        refused: dict[int, Outcome] = {}
        taken = self._taken_slots(rows.values())
        for index, row in list(rows.items()):
            used = taken[row["subject_id"], row["challenge_id"], row["period"]]
            free = [slot for slot in range(row["slots"]) if slot not in used]
            if not free or len(used) >= row["slots"]:  # a rule that was made stricter counts what was done before
                per = self.challenges[row["challenge_id"]].per
                refused[index] = Outcome(act=acts[index], refusal=CapReached(times=row["slots"], per=Word(per)))
                del rows[index]
            else:
                used.add(free[0])
                row["slot"] = free[0]
        return refused

    def _taken_slots(self, rows: Iterable[dict[str, Any]]) -> dict[tuple[UUID, UUID, str], set[int]]:
        taken: dict[tuple[UUID, UUID, str], set[int]] = defaultdict(set)
        subjects, challenges, periods = (
            {row[name] for row in rows} for name in ("subject_id", "challenge_id", "period")
        )
        if subjects:
            for *key, slot in self.session.execute(
                sa.select(Completion.subject_id, Completion.challenge_id, Completion.period, Completion.slot).where(
                    Completion.subject_id.in_(subjects),
                    Completion.challenge_id.in_(challenges),
                    Completion.period.in_(periods),
                    Completion.slot.is_not(None),
                )
            ):
                taken[tuple(key)].add(slot)  # type: ignore[index, arg-type]
        return taken

    def _insert(self, acts: dict[int, Act], rows: dict[int, dict[str, Any]]) -> dict[int, Outcome]:
        """Inserts what no constraint refuses: the unique slot decides between two that came at the same time."""
        inserted = {key[1] for key in insert_new(self.session, Completion, list(rows.values()))}
        outcomes = {}
        for index, row in rows.items():
            if row["completion_id"] in inserted:
                completion = Completion(**row, withdrawn_at=None, withdrawn_by=None)
                emit(self.session, completion_fact(CompletionRecorded, completion, at=self.now))
                outcomes[index] = Outcome(act=acts[index], completion=completion, is_new=True)
        return outcomes


def impact_of(challenge: Challenge, tier: str) -> dict[str, int | None]:
    """What a tier saves: the catalogue gives it for the smallest one, and it grows with the points."""
    smallest = min(abs(points) for points in challenge.tiers.values())
    share = abs(challenge.tiers[tier]) / smallest
    values = challenge.impact
    return {name: None if values.get(name) is None else round(values[name] * share) for name in MEASURES}


def period_of(per: str, day: date) -> str:
    """The period of a repeat rule that a day falls in: the day, its ISO week, or the whole edition."""
    if per == "day":
        return day.isoformat()
    if per == "week":
        year, week, _ = day.isocalendar()
        return f"{year}-W{week:02}"
    return "edition"
