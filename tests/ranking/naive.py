"""What the boards must show, worked out from a history the slow and obvious way, without any of ranking's code."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from shared import contracts as c


@dataclass
class Naive:
    """All that happened, in order: (tenant_id, event)."""

    history: list[tuple[UUID, c.Event]] = field(default_factory=list)

    def of(self, *kinds: type[Any]) -> list[tuple[UUID, Any]]:
        return [(tenant, event) for tenant, event in self.history if type(event) in kinds]

    def snapshot_at(self) -> datetime | None:
        frozen = [event.at for _tenant, event in self.of(c.EditionFrozen)]
        revealed = [event.at for _tenant, event in self.of(c.EditionRevealed)]
        return max(frozen) if frozen and not revealed else None

    def teams_of_players(self, until: datetime | None) -> dict[UUID, list[tuple[datetime, UUID | None]]]:
        """Per player, the team held from each moment on."""
        stays: dict[UUID, list[tuple[datetime, UUID | None]]] = defaultdict(list)
        for _tenant, event in self.of(c.PlayerJoined, c.PlayerMoved, c.PlayerLeft):
            if until is None or event.at <= until:
                team = None if isinstance(event, c.PlayerLeft) else event.team_id
                stays[event.player_id].append((event.at, team))
        return stays

    def head_team(self, stays: list[tuple[datetime, UUID | None]], freeze: datetime) -> UUID | None:
        before = [team for at, team in stays if at <= freeze]
        if before and before[-1] is not None:
            return before[-1]
        after = [team for at, team in stays if at > freeze and team is not None]
        return after[0] if after else None

    def standings(self, view: str) -> dict[tuple[str, UUID, UUID], tuple[str, int, int, int]]:
        """(board, scope, contender) -> name, points, completions, heads."""
        until = None if view == "live" else self.snapshot_at()
        rows: dict[tuple[str, UUID, UUID], list[int]] = defaultdict(lambda: [0, 0, 0])
        league_of = {event.team_id: event.league_id for _tenant, event in self.of(c.TeamCreated)}
        leagues = {event.league_id: (tenant, event) for tenant, event in self.of(c.LeagueCreated)}
        for tenant, event in self.of(c.LeagueCreated):
            _ = rows[("edition_leagues", event.edition_id, event.league_id)]
            _ = rows[("edition_tenants", event.edition_id, tenant)]
        for _tenant, event in self.of(c.TeamCreated):
            _ = rows[("league_teams", event.league_id, event.team_id)]
        for player, stays in self.teams_of_players(until).items():
            team = stays[-1][1]
            if team is not None:
                rows[("team_players", team, player)][2] += 1
                rows[("league_players", league_of[team], player)][2] += 1
            some_team = next(held for _at, held in stays if held is not None)
            tenant, league = leagues[league_of[some_team]]
            head = self.head_team(stays, league.heads_frozen_at)
            if head is not None:
                rows[("league_teams", league.league_id, head)][2] += 1
                rows[("edition_leagues", league.edition_id, league.league_id)][2] += 1
                rows[("edition_tenants", league.edition_id, tenant)][2] += 1
        for tenant, event in self.of(c.CompletionRecorded, c.CompletionWithdrawn):
            if until is not None and event.at > until:
                continue
            sign = 1 if isinstance(event, c.CompletionRecorded) else -1
            keys = [
                ("league_teams", event.league_id, event.team_id),
                ("edition_leagues", event.edition_id, event.league_id),
                ("edition_tenants", event.edition_id, tenant),
            ]
            if event.player_id:
                keys.append(("team_players", event.team_id, event.player_id))
                keys.append(("league_players", event.league_id, event.player_id))
            for key in keys:
                rows[key][0] += sign * event.points
                rows[key][1] += sign
        names = self.names()
        return {
            key: (names[key[2]], row[0], row[1], row[2])
            for key, row in rows.items()
            if not key[0].endswith("players") or any(row)
        }

    def names(self) -> dict[UUID, str]:
        names: dict[UUID, str] = {}
        for tenant, event in self.history:
            if isinstance(event, c.LeagueCreated):
                names[event.league_id] = event.name
                names[tenant] = event.tenant_name
            elif isinstance(event, c.TeamCreated):
                names[event.team_id] = event.name
            elif isinstance(event, c.PlayerEvent):
                names[event.player_id] = event.display_name
        return names

    def impact(self, view: str) -> dict[tuple[str, UUID], tuple[int, int, int]]:
        """(scope, id) -> completions, not quantified, co2e; only scopes that have a completion."""
        until = None if view == "live" else self.snapshot_at()
        sums: dict[tuple[str, UUID], list[int]] = defaultdict(lambda: [0, 0, 0])
        for tenant, event in self.of(c.CompletionRecorded, c.CompletionWithdrawn):
            if until is not None and event.at > until:
                continue
            sign = 1 if isinstance(event, c.CompletionRecorded) else -1
            for key in (
                ("team", event.team_id),
                ("league", event.league_id),
                ("tenant", tenant),
                ("edition", event.edition_id),
            ):
                sums[key][0] += sign
                sums[key][1] += sign * (event.impact is None)
                sums[key][2] += sign * (event.impact.co2e_g or 0 if event.impact else 0)
        return {key: (row[0], row[1], row[2]) for key, row in sums.items()}


def places(scores: dict[UUID, int]) -> dict[UUID, int]:
    """Standard competition ranks: 1, 2, 2, 4."""
    return {one: 1 + sum(other > score for other in scores.values()) for one, score in scores.items()}
