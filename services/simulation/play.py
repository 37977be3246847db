"""The game itself, day by day and league by league."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy.orm import Session

from services.embedded import Embedded
from services.leagues.domain import completions, editions, players, recording
from services.leagues.domain.recording import Act, Outcome
from services.leagues.models import Completion, League, Player, Tenant
from services.simulation import people, world
from services.simulation.world import Course, World, caller
from shared.auth import ORGANISER, PLAYER, Caller
from shared.clock import at_wall_clock
from shared.database import new_id
from shared.errors import Refusal
from shared.tenancy import PLATFORM_TENANT_ID, across_tenants, of_tenant

LAST_ROUNDS = 20
WAITING = 20_000
CARELESS = 0.2  # the share of league-days on which things go wrong or are taken back
ALONE, WITHDRAWN, AGAIN, RESENT, YESTERDAY, MISTAKEN = 0.02, 0.1, 0.02, 0.05, 0.06, 0.05


class Tally(msgspec.Struct, kw_only=True):
    """What happened so far."""

    accepted: int = 0
    owed: int = 0
    withdrawn: int = 0
    resent: int = 0
    joined_late: int = 0
    left: int = 0
    moved: int = 0
    refused: Counter[str] = msgspec.field(default_factory=Counter)

    def note(self, outcomes: Sequence[Outcome]) -> None:
        """Counts answers."""
        self.accepted += sum(outcome.is_new for outcome in outcomes)
        for outcome in outcomes:
            if outcome.refusal is not None:
                self.refused[outcome.refusal.code] += 1
            elif not outcome.is_new:
                self.resent += 1


def play(house: Embedded, planned: World, tally: Tally, progress: Callable[[int], None]) -> None:
    """Plays every day of the edition, grace included, or up to the plan's `until`."""
    plan = planned.plan
    for day in range(people.DAYS + people.GRACE_DAYS):
        total = people.completions_of_day(day, plan.completions)
        played = 0  # players of the leagues before the one in hand: shares of a day are cut along them, exactly
        for number, league, tenant, leader in world.each_league(house.databases["leagues"], planned.edition_id):
            now = moment_of(planned, league, number, day)
            if plan.until is not None and now > plan.until:
                return
            size = people.size_of_league(plan.seed, number, plan.leagues, plan.players)
            quota = total * (played + size) // plan.players - total * played // plan.players
            played += size
            before = tally.accepted
            LeagueDay(house, planned, tally, league, tenant, number, leader, day, now).play(quota)
            progress(tally.accepted - before)
            if number % 20 == 0 and house.waiting_events() > WAITING:
                house.drain(most=WAITING // 4)


def finish(house: Embedded, planned: World) -> None:
    """After grace the boards freeze by the clock, as in every edition; then the organiser reveals them."""
    house.drain()
    over = planned.plan.ends_at.replace(tzinfo=UTC) + timedelta(days=people.GRACE_DAYS + 1)
    with house.databases["leagues"].transaction(across_tenants(), now=over) as session:
        editions.freeze_what_is_over(session)
    with house.databases["leagues"].transaction(of_tenant(PLATFORM_TENANT_ID), now=over) as session:
        edition = editions.find_own_edition(session, world.OPERATING, planned.edition_id)
        editions.move_to_phase(session, edition, editions.REVEALED)
    house.drain()


def moment_of(planned: World, league: League, number: int, day: int) -> datetime:
    """When a league sits together on a day: in the afternoon, on the last day in the last hour."""
    draw = random.Random(f"{planned.plan.seed}/moment/{number}/{day}")
    start = planned.plan.starts_at
    hour = (
        timedelta(hours=10, minutes=draw.randint(1, 58))
        if day == people.DAYS - 1
        else timedelta(hours=draw.randint(1, 9))
    )
    return at_wall_clock(start + timedelta(days=day) + hour, league.zone)


class LeagueDay:
    """One league on one day, in one transaction."""

    def __init__(
        self,
        house: Embedded,
        planned: World,
        tally: Tally,
        league: League,
        tenant: Tenant,
        number: int,
        leader: UUID,
        day: int,
        now: datetime,
    ) -> None:
        self.house = house
        self.planned = planned
        self.tally = tally
        self.league = league
        self.number = number
        self.day = day
        self.is_last = day == people.DAYS + people.GRACE_DAYS - 1 and number == planned.plan.leagues - 1
        self.now = now
        self.draw = random.Random(f"{planned.plan.seed}/play/{number}/{day}")
        self.today = planned.plan.starts_at.date() + timedelta(days=day)
        self.last_day = planned.plan.ends_at.date()
        role = PLAYER if tenant.kind == world.COMMUNITY else ORGANISER
        self.leading: Caller = caller(league.tenant_id, tenant.kind, tenant.name, league.zone, leader, role)
        self.courses = planned.courses[tenant.kind]
        self.weights = [course.weight for course in self.courses]

    def play(self, quota: int) -> None:
        """Late joiners arrive, somebody leaves or changes team, and what was done today is recorded."""
        newcomers = self._newcomers()
        with self.house.databases["leagues"].transaction(of_tenant(self.league.tenant_id), now=self.now) as session:
            league = session.merge(self.league, load=False)
            if newcomers:
                world.admit(session, self.planned, self.leading, league, self.number, newcomers)
                self.tally.joined_late += len(newcomers)
            team = world.playing(session, league)
            if self.day < people.DAYS:
                self._come_and_go(session, league, team)
            self._record(session, league, team, quota)

    def _newcomers(self) -> dict[int, UUID | None]:
        plan = self.planned.plan
        if not 1 <= self.day <= 9:
            return {}
        size = people.size_of_league(plan.seed, self.number, plan.leagues, plan.players)
        late = [player for player in range(size) if people.arrival_day(plan.seed, self.number, player) == self.day]
        return world.enrol(self.house, self.planned, self.leading, self.number, late, self.now)

    def _come_and_go(self, session: Session, league: League, team: list[Player]) -> None:
        if len(team) > 3 and self.draw.random() < people.LEAVES * len(team) / 4:
            leaving = team.pop(self.draw.randrange(len(team)))
            players.leave_league(session, self.leading, league, leaving)
            self.tally.left += 1
        if len(team) > 3 and self.draw.random() < people.MOVES * len(team) / 4:
            moving = self.draw.choice(team)
            others = sorted({player.team_id for player in team} - {moving.team_id})
            if others:
                players.move_player(session, league, moving, self.draw.choice(others))
                self.tally.moved += 1

    def _record(self, session: Session, league: League, team: list[Player], quota: int) -> None:
        """Records the day's acts. What did not count (a cap) is made up for by the next league, the last one alone."""
        recorded: list[Completion] = []
        rounds = LAST_ROUNDS if self.is_last else 1
        while rounds and team and (missing := quota + self.tally.owed - len(recorded)) > 0:
            outcomes = self._send(session, league, team, self._acts(team, missing))
            self.tally.note(outcomes)
            recorded += [outcome.completion for outcome in outcomes if outcome.is_new and outcome.completion]
            rounds -= 1
        self.tally.owed += quota - len(recorded)
        if self.draw.random() < CARELESS:
            self._go_wrong(session, league, team, recorded)
            self._withdraw(session, recorded)

    def _acts(self, team: list[Player], count: int) -> list[Act]:
        weights = [people.eagerness(self.planned.plan.seed, self.number, place, self.day) for place in range(len(team))]
        if not any(weights):
            weights = [1.0] * len(team)
        doing = self.draw.choices(team, weights, k=count)
        courses = self.draw.choices(self.courses, self.weights, k=count)
        acts = [self._act(player, course) for player, course in zip(doing, courses, strict=True)]
        again = [act for act in acts if self.draw.random() < AGAIN]  # « I did it twice today! »
        return acts + [msgspec.structs.replace(act, completion_id=new_id()) for act in again]

    def _act(self, player: Player, course: Course) -> Act:
        return Act(
            completion_id=new_id(),
            challenge_id=course.challenge_id,
            player_id=None if course.is_team else player.player_id,
            team_id=player.team_id if course.is_team else None,
            tier=self.draw.choice(course.tiers),
            day=self._day(),
        )

    def _day(self) -> date:
        day = min(self.today, self.last_day)
        if self.day and self.draw.random() < YESTERDAY:
            day = min(day, self.today - timedelta(days=1))
        return day

    def _send(self, session: Session, league: League, team: list[Player], acts: list[Act]) -> list[Outcome]:
        """The leader sends the league's grid; a few adults record their own act by themselves."""
        by_id = {player.player_id: player for player in team}
        alone: list[Act] = []
        grid: list[Act] = []
        for act in acts:
            player = by_id.get(act.player_id) if act.player_id else None
            is_alone = player is not None and player.person_id is not None and self.draw.random() < ALONE
            (alone if is_alone else grid).append(act)
        outcomes = recording.record_completions(session, self.leading, league.league_id, grid) if grid else []
        for act in alone:
            outcomes += recording.record_completions(session, self._self(by_id, act), league.league_id, [act])
        return outcomes

    def _self(self, by_id: dict[UUID, Player], act: Act) -> Caller:
        assert act.player_id is not None
        person_id = by_id[act.player_id].person_id
        assert person_id is not None
        leading = self.leading
        return caller(leading.tenant_id, leading.tenant_kind, leading.tenant_name, leading.zone, person_id, PLAYER)

    def _go_wrong(self, session: Session, league: League, team: list[Player], recorded: list[Completion]) -> None:
        """What people also try: a resend after a lost line, tomorrow, last year, a challenge that does not exist."""
        wrong: list[Act] = [self._same(done) for done in recorded if self.draw.random() < RESENT]
        for _ in recorded if team else ():
            if self.draw.random() < MISTAKEN:
                act = self._act(self.draw.choice(team), self.draw.choice(self.courses))
                replace = msgspec.structs.replace
                wrong.append(
                    self.draw.choice(
                        (
                            replace(act, day=self.today + timedelta(days=2)),
                            replace(act, day=self.today - timedelta(days=365)),
                            replace(act, challenge_id=new_id()),
                            replace(act, tier="gigantic"),
                            replace(act, player_id=new_id(), team_id=None),
                        )
                    )
                )
        if wrong:
            self.tally.note(recording.record_completions(session, self.leading, league.league_id, wrong))

    def _same(self, done: Completion) -> Act:
        return Act(
            completion_id=done.completion_id,
            challenge_id=done.challenge_id,
            player_id=done.player_id,
            team_id=done.team_id if done.player_id is None else None,
            tier=done.tier,
            day=done.day,
        )

    def _withdraw(self, session: Session, recorded: list[Completion]) -> None:
        for done in recorded:
            if self.draw.random() < WITHDRAWN:
                found = completions.find_completion(session, self.leading, done.completion_id, is_locked=True)
                try:
                    completions.withdraw_completion(session, self.leading, found)
                    self.tally.withdrawn += 1
                except Refusal as refusal:
                    self.tally.refused[refusal.code] += 1
