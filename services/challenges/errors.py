"""What this service refuses, beyond the refusals that every service shares."""

from __future__ import annotations

from collections.abc import Sequence

from shared.errors import Invalid, message


class UnknownCategory(Invalid):
    """A filter names a category that the catalogue does not have."""

    code = "unknown_category"
    text = message("The catalogue has no such category: choose one of those listed.")

    def __init__(self, known: Sequence[str]) -> None:
        super().__init__(fields={"category": [f"Must be one of: {', '.join(known)}."]})


class NothingToSearch(Invalid):
    """A search without a single letter or digit."""

    code = "nothing_to_search"
    text = message("There is no word to search for: give at least one, with letters or digits.")

    def __init__(self) -> None:
        super().__init__(fields={"q": [message("Give at least one word, with letters or digits.")]})
