"""Leagues: who opens one, who leads it, who may see it."""

from __future__ import annotations

import secrets
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.leagues.domain import teams
from services.leagues.domain.editions import (
    REGISTRATION,
    RUNNING,
    calendar_of,
    find_visible_edition,
    require_phase,
    tell_league,
)
from services.leagues.errors import (
    CodeUnknown,
    EditionOfAnotherAudience,
    LastLeader,
    NotInLeague,
    NotLeader,
    ParticipationOnly,
    PersonUnknown,
)
from services.leagues.models import EVERYONE, Edition, FormerLeader, Leader, League, Person, Player, Tenant
from shared.auth import ADMINISTRATOR, ORGANISER, Caller
from shared.clock import transaction_time
from shared.contracts import LeaderAppointed, LeaderResigned
from shared.database import insert_new, new_id
from shared.errors import Forbidden, NotFound, Word
from shared.outbox import emit

CODE_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # without 0 O 1 I L, which a child confuses
CODE_LENGTH = 8
COMMUNITY, COMPANY = "community", "company"
JOINABLE = (REGISTRATION, RUNNING)


def create_league(session: Session, caller: Caller, facts: dict[str, Any]) -> League:
    """Opens a league in an edition; the caller leads it.

    `facts`: edition_id, name, age_band, is_open and `teams`, the names of its first teams.
    Raises Forbidden for a player of a school or company, NotFound, EditionOfAnotherAudience, EditionNotOpen.
    """
    if not (caller.has_role(ADMINISTRATOR, ORGANISER) or caller.tenant_kind == COMMUNITY):
        raise Forbidden
    edition = find_visible_edition(session, caller, facts.pop("edition_id"))
    if edition.audience not in (EVERYONE, caller.tenant_kind):
        raise EditionOfAnotherAudience(audience=Word(edition.audience))
    now = transaction_time(session)
    require_phase(edition, calendar_of(edition, caller.zone), now, *JOINABLE)
    remember_tenant(session, caller)
    names = facts.pop("teams")
    league = League(
        tenant_id=caller.tenant_id,
        league_id=new_id(),
        edition_tenant_id=edition.tenant_id,
        edition_id=edition.edition_id,
        zone=caller.zone,
        code=_new_code(),
        created_at=now,
        revision=1,
        **facts,
    )
    session.add(league)
    session.flush()
    tell_league(session, league, edition)
    for name in names:
        teams.add_team(session, league, name)
    _appoint(session, league, caller.person_id)
    return league


def remember_tenant(session: Session, caller: Caller) -> None:
    """Keeps what the token says of the tenant, for a tenant so new that its event has not arrived yet."""
    facts = {"kind": caller.tenant_kind, "name": caller.tenant_name, "zone": caller.zone, "revision": 0}
    insert_new(session, Tenant, [{"tenant_id": caller.tenant_id, **facts}])


def _new_code() -> str:
    """A code to read aloud: 31^8 of them, so that guessing is hopeless and two are almost never the same."""
    return "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))


def plain_code(typed: str) -> str:
    """A code as it is stored, however it was typed."""
    return typed.strip().upper().replace(" ", "").replace("-", "")


def is_code(typed: str) -> bool:
    """Whether a text can be a code at all."""
    plain = plain_code(typed)
    return len(plain) == CODE_LENGTH and set(plain) <= set(CODE_LETTERS)


def shown_code(typed: str) -> str:
    """A code in two halves, easier to read aloud and to copy."""
    plain = plain_code(typed)
    return f"{plain[:4]} {plain[4:]}"


def find_league(session: Session, league_id: UUID, *, is_locked: bool = False) -> League:
    """A league of the tenant; locked when something of it is about to change. Raises NotFound."""
    statement = sa.select(League).where(League.league_id == league_id)
    league = session.scalar(statement.with_for_update() if is_locked else statement)
    if league is None:
        raise NotFound
    return league


def find_league_by_code(session: Session, code: str, *, is_locked: bool = False) -> League:
    """The tenant's league with this code, however it was typed; locked for somebody who joins. Raises CodeUnknown."""
    statement = sa.select(League).where(League.code == plain_code(code))
    league = session.scalar(statement.with_for_update() if is_locked else statement)
    if league is None:
        raise CodeUnknown(given=code)
    return league


def edition_of(session: Session, league: League) -> Edition:
    """The edition a league plays in."""
    return session.get_one(Edition, (league.edition_tenant_id, league.edition_id))


def list_leagues(caller: Caller, edition_id: UUID | None, is_mine: bool) -> sa.Select[League]:
    """The leagues the caller may see: all of a school or company, in the community their own and the open ones."""
    leagues = sa.select(League).order_by(League.name, League.league_id)
    if edition_id is not None:
        leagues = leagues.where(League.edition_id == edition_id)
    playing = sa.select(Player.league_id).where(Player.person_id == caller.person_id, Player.left_at.is_(None))
    leading = sa.select(Leader.league_id).where(Leader.person_id == caller.person_id)
    mine = sa.or_(League.league_id.in_(playing), League.league_id.in_(leading))
    if is_mine:
        return leagues.where(mine)
    if caller.tenant_kind == COMMUNITY and not caller.has_role(ADMINISTRATOR):
        return leagues.where(sa.or_(mine, League.is_open.is_(True)))
    return leagues


def leads(session: Session, caller: Caller, league: League) -> bool:
    """Whether the caller is one of the league's leaders, or an administrator of its tenant."""
    key = (league.tenant_id, league.league_id, caller.person_id)
    return caller.has_role(ADMINISTRATOR) or session.get(Leader, key) is not None


def require_leader(session: Session, caller: Caller, league: League) -> None:
    """Raises NotLeader unless the caller leads the league."""
    if not leads(session, caller, league):
        raise NotLeader


def require_member(session: Session, caller: Caller, league: League) -> None:
    """Raises NotInLeague unless the caller plays in or leads the league, or works for its school or company."""
    if not (works_here(caller) or leads(session, caller, league) or own_player(session, caller, league)):
        raise NotInLeague


def witnesses(caller: Caller, *, plays: bool, leads: bool) -> bool:
    """Whether the caller may see who did what in a league of theirs.

    In a company those who play see it, and who leads without being its HR: HR sees participation, not one person's
    meals or trips (game.md, “Children and the law”).
    """
    return caller.tenant_kind != COMPANY or plays or (leads and not caller.has_role(ADMINISTRATOR))


def require_witness(session: Session, caller: Caller, league: League) -> None:
    """Raises NotInLeague, and ParticipationOnly for HR."""
    plays = own_player(session, caller, league) is not None
    is_leader = leads(session, caller, league)
    if not (plays or is_leader or works_here(caller)):
        raise NotInLeague
    if not witnesses(caller, plays=plays, leads=is_leader):
        raise ParticipationOnly


def works_here(caller: Caller) -> bool:
    """Whether the caller sees every league of their tenant: an organiser of a school or company."""
    return caller.has_role(ORGANISER) and caller.tenant_kind != COMMUNITY


def own_player(session: Session, caller: Caller, league: League) -> Player | None:
    """The caller's own player in the league, None when they do not play there."""
    return session.scalar(sa.select(Player).where(is_own_player(caller, league)))


def is_own_player(caller: Caller, league: League) -> sa.ColumnElement[bool]:
    """The condition that a row of players is the caller's own in the league."""
    return sa.and_(Player.league_id == league.league_id, Player.person_id == caller.person_id, Player.left_at.is_(None))


def change_league(session: Session, league: League, changes: dict[str, Any]) -> League:
    """Renames a league, opens it to players who come alone, or locks its teams from a moment on."""
    changed = {name: value for name, value in changes.items() if getattr(league, name) != value}
    for name, value in changed.items():
        setattr(league, name, value)
    if changed:
        league.revision += 1
        tell_league(session, league, edition_of(session, league))
    return league


def renew_code(session: Session, league: League) -> League:
    """Gives the league another code: the one that went round too far opens nothing any more."""
    league.code = _new_code()
    return league


def list_leaders(league: League) -> sa.Select[Leader]:
    """The leaders of a league, the longest-serving first."""
    return sa.select(Leader).where(Leader.league_id == league.league_id).order_by(Leader.appointed_at, Leader.person_id)


def leaders_with_names(session: Session, league: League) -> list[dict[str, Any]]:
    """The leaders of a league with the names they show; None for somebody whose name has not arrived yet."""
    leaders = session.scalars(list_leaders(league)).all()
    ids = [leader.person_id for leader in leaders]
    people = session.scalars(sa.select(Person).where(Person.tenant_id == league.tenant_id, Person.person_id.in_(ids)))
    names = {person.person_id: person.display_name for person in people}
    return [
        {
            "person_id": leader.person_id,
            "appointed_at": leader.appointed_at,
            "display_name": names.get(leader.person_id),
        }
        for leader in leaders
    ]


def possible_leaders(session: Session, league: League) -> list[tuple[UUID, str]]:
    """Who may be made a leader: those who play in the league with an account, and who organises in its tenant."""
    leading = sa.select(Leader.person_id).where(Leader.league_id == league.league_id)
    playing = sa.select(Player.person_id).where(Player.league_id == league.league_id, Player.left_at.is_(None))
    people = session.scalars(
        sa.select(Person)
        .where(Person.is_active.is_(True), Person.person_id.not_in(leading))
        .order_by(Person.display_name, Person.person_id)
        .limit(500)
    ).all()
    players = set(session.scalars(playing))
    return [
        (person.person_id, person.display_name)
        for person in people
        if person.person_id in players or {ADMINISTRATOR, ORGANISER} & set(person.roles)
    ]


def appoint_leader(session: Session, league: League, person_id: UUID) -> Leader:
    """Makes a person a leader, beside the others. Raises PersonUnknown."""
    person = session.get(Person, (league.tenant_id, person_id))
    if person is None or not person.is_active:
        raise PersonUnknown
    return _appoint(session, league, person_id)


def _appoint(session: Session, league: League, person_id: UUID) -> Leader:
    key = (league.tenant_id, league.league_id, person_id)
    leader = session.get(Leader, key)
    if leader is None:
        leader = Leader(
            tenant_id=league.tenant_id,
            league_id=league.league_id,
            person_id=person_id,
            appointed_at=transaction_time(session),
        )
        session.add(leader)
        emit(session, LeaderAppointed(**league_keys(league), person_id=person_id), tenant_id=league.tenant_id)
    return leader


def dismiss_leader(session: Session, league: League, person_id: UUID) -> None:
    """Ends a person's leading; a league keeps at least one leader. Raises NotFound, LastLeader."""
    leaders = {leader.person_id: leader for leader in session.scalars(list_leaders(league))}
    if person_id not in leaders:
        raise NotFound
    if not _has_leader(session, league, but=person_id):
        raise LastLeader
    _resign(session, league, leaders[person_id])


def _resign(session: Session, league: League, leader: Leader) -> None:
    session.delete(leader)
    keys = {"tenant_id": league.tenant_id, "league_id": league.league_id, "person_id": leader.person_id}
    session.merge(FormerLeader(**keys, resigned_at=transaction_time(session)))
    emit(session, LeaderResigned(**league_keys(league), person_id=leader.person_id), tenant_id=league.tenant_id)


def replace_departed_leader(session: Session, tenant_id: UUID, person_id: UUID) -> None:
    """When a leader leaves the tenant, another leads; where there is none, the tenant's administrators take over."""
    led = sa.select(Leader.league_id).where(Leader.tenant_id == tenant_id, Leader.person_id == person_id)
    for league in session.scalars(
        sa.select(League).where(League.tenant_id == tenant_id, League.league_id.in_(led)).with_for_update()
    ).all():
        if not _has_leader(session, league, but=person_id):
            administrators = _administrators(session, tenant_id, but=person_id)
            if not administrators:
                continue  # the name stays until somebody can take the league over
            _appoint(session, league, administrators[0])
            session.flush()
        _resign(session, league, session.get_one(Leader, (tenant_id, league.league_id, person_id)))


def relieve_departed_leaders(session: Session, tenant_id: UUID) -> None:
    """Replaces the leaders who left while nobody could take over: an administrator has come."""
    gone = sa.select(Person.person_id).where(Person.tenant_id == tenant_id, Person.is_active.is_(False))
    departed = sa.select(Leader.person_id).where(Leader.tenant_id == tenant_id, Leader.person_id.in_(gone)).distinct()
    for person_id in session.scalars(departed).all():
        replace_departed_leader(session, tenant_id, person_id)


def _has_leader(session: Session, league: League, *, but: UUID) -> bool:
    """Whether somebody else, who has not left the tenant, leads the league."""
    gone = sa.select(Person.person_id).where(Person.tenant_id == league.tenant_id, Person.is_active.is_(False))
    others = list_leaders(league).where(Leader.person_id != but, Leader.person_id.not_in(gone))
    return session.scalars(others).first() is not None


def _administrators(session: Session, tenant_id: UUID, *, but: UUID) -> list[UUID]:
    people = session.scalars(
        sa.select(Person).where(Person.tenant_id == tenant_id, Person.is_active.is_(True)).order_by(Person.person_id)
    )
    return [person.person_id for person in people if ADMINISTRATOR in person.roles and person.person_id != but]


def league_keys(league: League) -> dict[str, UUID]:
    """The identifiers every event of a league carries."""
    return {
        "league_id": league.league_id,
        "edition_id": league.edition_id,
        "edition_tenant_id": league.edition_tenant_id,
    }
