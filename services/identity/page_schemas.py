"""What the forms of identity's pages send: flat, where the API nests."""

from __future__ import annotations

import marshmallow as ma

from services.identity.schemas import EmailAddress, Password, roles_field
from shared.schemas import Country, Language, Schema, Text, Zone


class SignInPageSchema(Schema):
    """The form of the sign-in page; `to`: where the reader was going."""

    email = EmailAddress(required=True)
    password = Password()
    tenant_id = ma.fields.UUID()
    to = ma.fields.String()


class FoundPageSchema(Schema):
    """A school or a company that begins, and who begins it."""

    name = Text(maximum=120, required=True)
    country = Country(required=True)
    zone = Zone(required=True)
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
    """Who accepts an invitation. The e-mail only when the invitation names none."""

    display_name = Text(maximum=80, required=True)
    email = EmailAddress()
    password = Password()


class MePageSchema(Schema):
    """What a person may change of themselves."""

    display_name = Text(maximum=80, required=True)
    language = Language(required=True)


class InvitePageSchema(Schema):
    """Whom to invite, as what."""

    email = EmailAddress()
    roles = roles_field(required=True)


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
