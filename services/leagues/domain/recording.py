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
from services.leagues.domain.editions import GRACE, RUNNING, today_in
from services.leagues.domain.scene import Scene
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
from services.leagues.models import Completion, Team
from shared.auth import Caller
from shared.contracts import CompletionRecorded
from shared.errors import Refusal, Word, message, words
from shared.outbox import insert_and_emit
from shared.prepared import Prepared

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


def record_completion(session: Session, caller: Caller, league_id: UUID, act: Act) -> Outcome:
    """Records one act. A resend with the same id returns the completion it made; raises the refusal otherwise."""
    [outcome] = record_completions(session, caller, league_id, [act])
    if outcome.refusal is not None:
        raise outcome.refusal
    return outcome


def record_completions(session: Session, caller: Caller, league_id: UUID, acts: Sequence[Act]) -> list[Outcome]:
    """Records acts of one league; each is accepted or refused by itself, in the order given.

    Players record for themselves, leaders for anybody in the league. Raises NotFound for a league of another tenant.
    """
    recorder = _Recorder(session, caller, league_id, acts)
    outcomes: dict[int, Outcome] = {}
    waiting = dict(enumerate(acts))
    attempts = races = 0
    while waiting and races < RACES:  # a slot that somebody else took in the meantime: look again
        found = recorder.attempt(waiting, is_first=attempts == 0)
        races = 0 if found or attempts == 0 else races + 1
        attempts += 1
        outcomes |= found
        waiting = {index: act for index, act in waiting.items() if index not in outcomes}
    for index, act in waiting.items():
        outcomes[index] = Outcome(act=act, refusal=CapReached(times=1, per=Word("edition")))
    return [outcomes[index] for index in range(len(acts))]


_ids, _subjects, _challenges = (
    sa.bindparam(name, type_=sa.Uuid(), expanding=True) for name in ("completion_ids", "subject_ids", "challenge_ids")
)
_RECORDED = Prepared(
    sa.select(
        Completion.completion_id,
        Completion.subject_id,
        Completion.challenge_id,
        Completion.period,
        Completion.slot,
    ).where(
        sa.or_(
            Completion.completion_id.in_(_ids),
            sa.and_(
                Completion.subject_id.in_(_subjects),
                Completion.challenge_id.in_(_challenges),
                Completion.period.in_(sa.bindparam("periods", type_=sa.String(), expanding=True)),
                Completion.slot.is_not(None),
            ),
        )
    )
)
"""What was recorded before under the same ids, and what takes slots of the same subjects, challenges and periods."""


class _Recorder:
    """One batch of acts on their way into the table."""

    def __init__(self, session: Session, caller: Caller, league_id: UUID, acts: Sequence[Act]) -> None:
        self.session = session
        self.caller = caller
        named = (act.player_id for act in acts if act.player_id is not None)
        self.scene = Scene(session, caller, league_id, (act.challenge_id for act in acts), named)
        self.league = self.scene.league
        self.is_leader = self.scene.is_leader

    def attempt(self, acts: dict[int, Act], *, is_first: bool) -> dict[int, Outcome]:
        """Outcomes by index; an act whose slot was lost to somebody else in the meantime has none yet.

        A resend is known only when what was recorded has been read, and that is read with the slots that are taken: so
        reasons why not are kept until then. Mostly nothing of it is there, and the constraints know that too: what
        they let in at the first attempt needs no look.
        """
        outcomes: dict[int, Outcome] = {}
        rows: dict[int, dict[str, Any]] = {}
        refusals: dict[int, Refusal] = {}
        planned: set[UUID] = set()
        for index, act in acts.items():
            if act.completion_id in planned:
                continue  # the same id twice in one batch: the next attempt knows what became of the first
            try:
                rows[index] = self._row(act)
                planned.add(act.completion_id)
            except Refusal as refusal:
                refusals[index] = refusal
        if is_first and not refusals and len(rows) == len(acts) and all(map(self._is_alone, rows.values())):
            for row in rows.values():
                row["slot"] = 0
            return self._insert(acts, rows)
        known, taken = self._load_recorded(acts.values(), rows.values())
        for index in sorted(rows.keys() | refusals.keys()):
            completion = known.get(acts[index].completion_id)
            if completion is not None:
                outcomes[index] = self._same(acts[index], completion)
                rows.pop(index, None)
            elif index in refusals:
                outcomes[index] = Outcome(act=acts[index], refusal=refusals[index])
        outcomes |= self._take_slots(acts, rows, taken)
        return outcomes | self._insert(acts, rows)

    def _is_alone(self, row: dict[str, Any]) -> bool:
        """Whether the constraints alone can tell if a row counts: its challenge has had one version, of one slot.

        Of an earlier version more slots may be taken than a stricter rule grants now.
        """
        return bool(row["slots"] == 1 and row["challenge_version"] == 1)

    def _load_recorded(
        self, acts: Iterable[Act], rows: Iterable[dict[str, Any]]
    ) -> tuple[dict[UUID, Completion], dict[tuple[UUID, UUID, str], set[int]]]:
        """Completions by id, and the slots taken by subject, challenge and period."""
        wanted = {"completion_ids": {act.completion_id for act in acts}}
        for names, name in (("subject_ids", "subject_id"), ("challenge_ids", "challenge_id"), ("periods", "period")):
            wanted[names] = {row[name] for row in rows}
        found = _RECORDED.rows(self.session, {name: list(values) for name, values in wanted.items()})
        taken: dict[tuple[UUID, UUID, str], set[int]] = defaultdict(set)
        for one in found:
            if one.slot is not None:
                taken[one.subject_id, one.challenge_id, one.period].add(one.slot)
        resent = [one.completion_id for one in found if one.completion_id in wanted["completion_ids"]]
        return self._load_known(resent) if resent else {}, taken

    def _load_known(self, ids: Sequence[UUID]) -> dict[UUID, Completion]:
        statement = sa.select(Completion).where(Completion.completion_id.in_(ids))
        known = self.session.scalars(statement.execution_options(populate_existing=True))
        return {one.completion_id: one for one in known}

    def _same(self, act: Act, known: Completion) -> Outcome:
        """A resend: the same act gives the same answer, whatever has changed since; another one is refused."""
        same = (
            known.league_id == self.scene.league_id
            and known.challenge_id == act.challenge_id
            and self._is_same_subject(act, known)
            and act.tier in (None, known.tier)
            and (act.day or self._default_day(known.recorded_at)) == known.day
            and act.note == known.note
        )
        if not same:
            return Outcome(act=act, refusal=AnotherCompletion())
        if not self.is_leader and known.author_id != self.caller.person_id and not self._is_own(known):
            return Outcome(act=act, refusal=NotYours())
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
        if self.scene.phase not in (RUNNING, GRACE):
            raise EditionNotOpen(phase=Word(self.scene.phase), allowed=words((RUNNING, GRACE)))
        challenge = self._challenge(act)
        player_id = self._player(act)
        is_individual = challenge.kind == INDIVIDUAL
        if is_individual and player_id is None:
            raise PlayerUnknown if self.is_leader else NotYours
        team_id = self._team(act) if player_id is None else self.scene.team_by_player[player_id]
        if act.team_id not in (None, team_id):
            raise TeamUnknown if self.is_leader else NotYours
        tier = self._tier(challenge, act.tier)
        day = self._day(act.day)
        return {
            "tenant_id": self.league.tenant_id,
            "completion_id": act.completion_id,
            "league_id": self.scene.league_id,
            "edition_tenant_id": self.league.edition_tenant_id,
            "edition_id": self.league.edition_id,
            "team_id": team_id,
            "player_id": player_id if is_individual else None,
            "subject_id": player_id if is_individual else team_id,
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
            "recorded_at": self.scene.now,
        }

    def _challenge(self, act: Act) -> Any:
        challenge = self.scene.challenges.get(act.challenge_id)
        if challenge is None or challenge.retired_version >= challenge.version:
            raise ChallengeUnknown
        band = self.league.age_band
        fits = self.caller.tenant_kind in challenge.audiences and (band is None or band in challenge.age_bands)
        if not fits:
            raise ChallengeOfAnotherAudience(audiences=words([*challenge.audiences, *challenge.age_bands]))
        return challenge

    def _player(self, act: Act) -> UUID | None:
        own = self.scene.own_player_id
        if act.player_id is None:
            return None if act.team_id is not None and self.is_leader else own
        if act.player_id not in self.scene.team_by_player:
            raise PlayerUnknown
        if not self.is_leader and act.player_id != own:
            raise NotYours
        return act.player_id

    def _team(self, act: Act) -> UUID:
        if not self.is_leader:
            raise NotYours
        if act.team_id is None or act.team_id not in self.teams:
            raise TeamUnknown
        return act.team_id

    @functools.cached_property
    def teams(self) -> set[UUID]:
        """The teams of the league."""
        teams = sa.select(Team.team_id).where(Team.league_id == self.scene.league_id)
        return set(self.session.scalars(teams))

    def _tier(self, challenge: Any, tier: str | None) -> str:
        if tier is None and len(challenge.tiers) == 1:
            return str(next(iter(challenge.tiers)))
        if tier is None or tier not in challenge.tiers:
            raise TierUnknown(tiers=list(challenge.tiers), fields={"tier": [message("Not one of the values offered.")]})
        return tier

    def _day(self, day: date | None) -> date:
        """The day of the act: today or before, within the edition."""
        calendar = self.scene.calendar
        day = day or self._default_day(self.scene.now)
        if day > self.scene.today:
            raise DayInFuture(day=day)
        if not calendar.first_day <= day <= calendar.last_day:
            raise DayOutsideEdition(day=day, first=calendar.first_day, last=calendar.last_day)
        return day

    def _default_day(self, recorded_at: datetime) -> date:
        """The day of an act that names none: today, in grace the edition's last day."""
        return min(today_in(self.scene.calendar, recorded_at), self.scene.calendar.last_day)

    def _take_slots(
        self,
        acts: dict[int, Act],
        rows: dict[int, dict[str, Any]],
        taken: dict[tuple[UUID, UUID, str], set[int]],
    ) -> dict[int, Outcome]:
        """Gives each row the first free slot of its period; refuses (and drops) the rows that find none."""
        refused: dict[int, Outcome] = {}
        for index, row in list(rows.items()):
            used = taken[row["subject_id"], row["challenge_id"], row["period"]]
            free = [slot for slot in range(row["slots"]) if slot not in used]
            if not free or len(used) >= row["slots"]:  # a rule that was made stricter counts what was done before
                per = self.scene.challenges[row["challenge_id"]].per
                refused[index] = Outcome(act=acts[index], refusal=CapReached(times=row["slots"], per=Word(per)))
                del rows[index]
            else:
                used.add(free[0])
                row["slot"] = free[0]
        return refused

    def _insert(self, acts: dict[int, Act], rows: dict[int, dict[str, Any]]) -> dict[int, Outcome]:
        """Inserts what no constraint refuses: the unique slot decides between two that came at the same time."""
        made = {index: _recorded(row) for index, row in rows.items()}
        facts = [completion_fact(CompletionRecorded, one, at=self.scene.now) for one in made.values()]
        is_new = insert_and_emit(self.session, Completion, list(rows.values()), facts)
        return {
            index: Outcome(act=acts[index], completion=made[index], is_new=True)
            for index, has_row in zip(rows, is_new, strict=True)
            if has_row
        }


def _recorded(row: dict[str, Any]) -> Completion:
    """The object of a row as the table will have it. The session does not know it: nobody need hear of each value."""
    completion = Completion()
    vars(completion).update(row, withdrawn_at=None, withdrawn_by=None)
    return completion


def impact_of(challenge: Any, tier: str) -> dict[str, int | None]:
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
