"""What must hold in the databases once all is quiet: every accepted completion is in the ledger exactly once."""

from __future__ import annotations

from tests.deploy.commands import SERVICES
from tests.journeys.history import Load
from tests.journeys.waiting import eventually
from tests.servers.stack import Stack

QUIET_SECONDS = 90.0
"""As long as a group needs to notice a killed member, and then to read what waits."""


def prove(stack: Stack, load: Load) -> None:
    """After a load: promises kept, ledger equal to the completions, boards equal to the ledger, nothing stuck."""
    load.ask_again()
    eventually(lambda: what_waits(stack, load) == "", QUIET_SECONDS, pause=0.3)
    kept, withdrawn = completions_of(stack, load)
    load.history.check(kept, withdrawn)
    assert set(load.kept()) == kept, "the API tells something else than the table"
    expected = {f"completion:{one}:recorded" for one in kept | withdrawn}
    expected |= {f"completion:{one}:withdrawn" for one in withdrawn}
    found = [source for (source,) in ledger_of(stack, load)]
    assert len(found) == len(set(found))
    assert set(found) == expected
    load.check_boards()
    assert "no differences" in stack.run("ranking-worker", "services.ranking", "verify")


def what_waits(stack: Stack, load: Load) -> str:
    """What has not arrived yet, in words; empty when all has."""
    for service in SERVICES:
        database = stack.ranking_database if service == "ranking" else service
        ((waiting,),) = stack.postgres.query(
            "SELECT count(*) FROM outbox WHERE published_at IS NULL", database=database
        )
        if waiting:
            return f"{waiting} events of {service} are not published"
    kept, withdrawn = completions_of(stack, load)
    missing = len(kept) + 2 * len(withdrawn) - len(ledger_of(stack, load))
    return f"{missing} entries of the ledger are missing" if missing else ""


def completions_of(stack: Stack, load: Load) -> tuple[set[str], set[str]]:
    """The completions of the load's edition: those that count, and those that were withdrawn."""
    rows = stack.postgres.query(
        "SELECT completion_id::text, withdrawn_at IS NOT NULL FROM completions WHERE edition_id = %s",
        load.edition["edition_id"],
        database="leagues",
    )
    return {one for one, is_gone in rows if not is_gone}, {one for one, is_gone in rows if is_gone}


def ledger_of(stack: Stack, load: Load) -> list[tuple[str]]:
    """The sources of the ledger's entries of the load's edition."""
    edition = load.edition["edition_id"]
    found: list[tuple[str]] = stack.postgres.query(
        "SELECT source FROM ledger WHERE edition_id = %s", edition, database=stack.ranking_database
    )
    return found
