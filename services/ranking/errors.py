"""What ranking refuses."""

from __future__ import annotations

from shared.errors import Invalid, NotFound, message


class NotOnBoard(NotFound):
    """`around=` names somebody who is not on this board."""

    code = "not_on_board"
    text = message("Nobody with this identifier is on this board: take a `contender_id` from the board itself.")


class TooManyScopes(Invalid):
    """An impact was asked of several things at once."""

    code = "too_many_scopes"
    text = message("Ask for one thing at a time: a league, a team or an edition.")
