"""What the forms of identity's pages send: flat, where the API nests."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import validate

from services.identity.domain.addresses import each_once, pasted_addresses
from services.identity.domain.invitations import MOST_AT_ONCE
from services.identity.domain.open_invitations import MOST_USES
from services.identity.schemas import EmailAddress, Password, roles_field
from shared.errors import message
from shared.schemas import Country, Language, Schema, Text, Zone

WRONG_SHOWN = 20
"""How many wrong addresses are named; whoever pasted the wrong column has seen enough by then."""
DAYS = (7, 30, 90, 366)
"""How long an open invitation lasts."""


class SignInPageSchema(Schema):
    """The form of the sign-in page; `to`: where the reader was going."""

    email = EmailAddress(required=True)
    password = Password()
    tenant_id = ma.fields.UUID()
    to = ma.fields.String()


class FoundPageSchema(Schema):
    """A school or a company that begins, and who begins it. Without a zone: that of the country, if it has one."""

    name = Text(maximum=120, required=True)
    country = Country(required=True)
    zone = Zone()
    display_name = Text(maximum=80, required=True)
    email = EmailAddress(required=True)
    password = Password()


class JoinCommunityPageSchema(Schema):
    """Somebody who plays among friends."""

    display_name = Text(maximum=80, required=True)
    email = EmailAddress(required=True)
    password = Password()
    to = ma.fields.String()


class NewPasswordPageSchema(Schema):
    """A new password, by the link of a mail."""

    password = Password()


class AcceptPageSchema(Schema):
    """Who accepts an invitation, on the way to where. The e-mail only when the invitation names none."""

    display_name = Text(maximum=80, required=True)
    email = EmailAddress()
    password = Password()
    to = ma.fields.String()


class MePageSchema(Schema):
    """What a person may change of themselves."""

    display_name = Text(maximum=80, required=True)
    language = Language(required=True)


class Addresses(Text):
    """Many e-mail addresses, as they are pasted; each once. The wrong ones are named by their line, all together."""

    default_error_messages = {
        "line": message("Line {line}: “{text}” is not an e-mail address. Write it like camille@example.org."),
        "more": message("More lines that are no address: {n}."),
        "many": message("Too many at once: {maximum} addresses at most. Send the others afterwards."),
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(maximum=60_000, is_multiline=True, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        pasted = pasted_addresses(super()._deserialize(value, attr, data, **kwargs))
        address, emails, wrong = EmailAddress(), [], []
        for line, text in pasted:
            try:
                emails.append(address.deserialize(text))
            except ma.ValidationError:
                wrong.append(self.make_error("line", line=line, text=text[:80]).messages[0])
        if wrong:
            more = len(wrong) - WRONG_SHOWN
            rest = [self.make_error("more", n=more).messages[0]] if more > 0 else []
            raise ma.ValidationError([*wrong[:WRONG_SHOWN], *rest])
        found = each_once(emails)
        if len(found) > MOST_AT_ONCE:
            raise self.make_error("many", maximum=MOST_AT_ONCE)
        return found


class DeletePageSchema(Schema):
    """Who deletes their account proves that it is theirs."""

    current_password = Password()


class InvitePageSchema(Schema):
    """Whom to invite, as what. Without an address: somebody, by a link to pass on."""

    emails = Addresses()
    roles = roles_field(required=True)


class OpenInvitationPageSchema(Schema):
    """How long a link for many works, and for how many."""

    days = ma.fields.Integer(required=True, validate=validate.OneOf(DAYS))
    max_uses = ma.fields.Integer(validate=validate.Range(min=1, max=MOST_USES))


class PersonPageSchema(Schema):
    """What an administrator may change of a person."""

    display_name = Text(maximum=80, required=True)
    roles = roles_field(required=True)


class TenantPageSchema(Schema):
    """What an administrator may change of the tenant."""

    name = Text(maximum=120, required=True)
    country = Country(required=True)
    language = Language(required=True)
    zone = Zone(required=True)
