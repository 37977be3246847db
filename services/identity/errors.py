"""The refusals of identity."""

from __future__ import annotations

from typing import ClassVar

from shared.errors import Conflict, Forbidden, Invalid, NotFound, NotSignedIn, TooManyRequests, message
from shared.web import CsrfMissing

__all__ = [
    "AlreadyHere",
    "CsrfMissing",
    "EmailTaken",
    "EverybodyHere",
    "InvitationFull",
    "InvitationUsed",
    "LastAdministrator",
    "LinkExpired",
    "MailsSpent",
    "NoOpenDoor",
    "OperatorsByCommandLine",
    "PlatformStaysOpen",
    "RefreshTokenReused",
    "SessionEnded",
    "TooManyDoors",
    "WeakPassword",
    "WrongCredentials",
]


class WrongCredentials(NotSignedIn):
    """No account has this e-mail and this password; which of the two is wrong is not said."""

    code = "wrong_credentials"
    text = message("The e-mail or the password is wrong. Check both, or ask for a new password.")


class SessionEnded(NotSignedIn):
    """The refresh token is unknown, has expired, or its session was ended."""

    code = "session_ended"
    text = message("Your session has ended: sign in again.")


class RefreshTokenReused(NotSignedIn):
    """A refresh token came back after its successor was given out: somebody may have copied it."""

    code = "refresh_token_reused"
    text = message("For your safety this session has been ended: it was used from two places. Sign in again.")
    keeps_changes: ClassVar[bool] = True  # the end of the session must outlive the refusal


class WeakPassword(Invalid):
    """Too short, too long or too easy to guess; `fields` says which."""

    code = "weak_password"
    text = message("Choose another password.")


class EmailTaken(Conflict):
    """The e-mail has an account in this tenant already."""

    code = "email_taken"
    text = message("This e-mail already has an account here: sign in, or ask for a new password.")


class AlreadyHere(EmailTaken):
    """The same, told to whoever invites them."""

    text = message("This person is here already: find them among the people.")


class EverybodyHere(AlreadyHere):
    """The same of all whom somebody wanted to invite."""

    text = message("All of them are here already: find them among the people.")


class MailsSpent(TooManyRequests):
    """The tenant has invited as many people by mail as it may for now."""

    code = "mails_spent"
    text = message(
        "For now {left} more may be invited by mail. Wait {wait}, or make one link for many: it needs no mail."
    )


class InvitationFull(Conflict):
    """As many people have joined by an open invitation as may."""

    code = "invitation_full"
    text = message("This invitation has no place left: ask the person who gave it to you for another one.")


class NoOpenDoor(Conflict):
    """The platform and the community take nobody in by an open invitation."""

    code = "no_open_door"
    text = message("Only a school or a company invites many people by one link: the community is open to everybody.")


class TooManyDoors(Conflict):
    """More open invitations at a time than anybody keeps an eye on."""

    code = "too_many_open_invitations"
    text = message("There are {maximum} invitations for many already: end one of them first.")


class LastAdministrator(Conflict):
    """Nobody could look after the tenant any more."""

    code = "last_administrator"
    text = message("This is the last administrator: name another one first.")


class OperatorsByCommandLine(Forbidden):
    """The role of operator is given and taken on the command line."""

    code = "operators_by_command_line"
    text = message("The role of operator is given and taken on the command line only.")


class PlatformStaysOpen(Conflict):
    """Suspending the platform would lock every operator out."""

    code = "platform_stays_open"
    text = message("The platform itself cannot be suspended: nobody could reopen it.")


class LinkExpired(NotFound):
    """An invitation or reset link that is unknown, used, withdrawn or too old: the four are not told apart."""

    code = "link_expired"
    text = message("This link is no longer valid: ask for a new one.")


class InvitationUsed(Conflict):
    """An accepted invitation cannot be withdrawn."""

    code = "invitation_used"
    text = message("This invitation has been accepted already: suspend or remove the person instead.")
