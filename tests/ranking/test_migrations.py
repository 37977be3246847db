from __future__ import annotations

from pathlib import Path
from uuid import UUID

import sqlalchemy as sa

from services.ranking.models import Standing, Summary
from shared.database import Database, new_id
from shared.migrations import _upgrade, migrate


def test_who_has_begun_is_counted_in_a_database_that_did_not_count_yet(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/ranking.db")
    for revision in ("0001", "0002"):
        _upgrade("ranking", database, revision)
    tenant, league, edition = new_id(), new_id(), new_id()

    def player(completions: int, heads: int, board: str = "league_players", of: UUID = league) -> dict[str, object]:
        key = {"tenant_id": tenant, "board": board, "scope_id": of, "view": "live", "contender_id": new_id()}
        return {**key, "name": "", "points": 0, "completions": completions, "heads": heads, "batches": 1, **PRIVATE}

    with database.engine.begin() as connection:
        connection.execute(
            sa.insert(Standing.__table__),
            [
                player(3, 1),
                player(1, 1),
                player(0, 1),
                player(2, 0),
                player(1, 1, "league_teams"),
                player(1, 1, of=edition),
            ],
        )
        for scope, scope_id in (("league", league), ("edition", edition)):
            columns = ("completions", "unquantified", "co2e_g", "water_ml", "waste_g", "learning_min", "players")
            row = {"tenant_id": tenant, "scope": scope, "scope_id": scope_id, "view": "live", "edition_id": edition}
            numbers = dict.fromkeys((*columns, "leagues", "heads"), 0)
            connection.execute(sa.insert(Summary.__table__), {**row, **numbers, "edition_tenant_id": tenant, **PRIVATE})
    assert migrate("ranking", database)[0] == "0003"
    with database.engine.connect() as connection:
        found = connection.execute(sa.select(Summary.scope, Summary.playing, Summary.begun).order_by(Summary.scope))
        assert [tuple(row) for row in found] == [("edition", 0, 0), ("league", 3, 2)]
    database.close()


PRIVATE = {"is_public": False}
