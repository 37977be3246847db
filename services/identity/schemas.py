"""What goes into the API of identity and what comes out of it."""

from __future__ import annotations

import unicodedata
from typing import Any

import marshmallow as ma
from email_validator import EmailNotValidError, validate_email
from marshmallow import validate

from services.identity.domain.invitations import MOST_AT_ONCE
from services.identity.domain.open_invitations import LONGEST_DAYS, MOST_USES
from services.identity.domain.passwords import MAXIMUM
from services.identity.domain.people import GRANTABLE
from shared.auth import ROLES
from shared.errors import message
from shared.schemas import Country, Integer, Language, Schema, Text, Zone

KINDS = ("school", "company", "community", "platform")
PASSWORD_EXAMPLE = "moules frites sous la pluie"  # noqa: S105
EMAILS = ["ana@example.org", "leo@example.org"]
TOKEN_EXAMPLE = "EaTlEsSmEaTaNdRiDeYoUrBiKeToScHoOlEvErYdAy0"  # noqa: S105


class EmailAddress(ma.fields.String):
    """An e-mail address, in its normal form."""

    default_error_messages = {
        "email": message("This is not an e-mail address: write it like camille@example.org."),
    }

    def __init__(self, **kwargs: Any) -> None:
        metadata = {"format": "email", "maxLength": 254, "example": "camille@example.org", **kwargs.pop("metadata", {})}
        super().__init__(metadata=metadata, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        given: str = super()._deserialize(value, attr, data, **kwargs).strip()
        if len(given) > 254:
            raise self.make_error("email")
        try:
            email = validate_email(given, check_deliverability=False, test_environment=True).normalized
        except EmailNotValidError:
            raise self.make_error("email") from None
        if len(email) > 254:
            raise self.make_error("email")
        return email


class Password(ma.fields.String):
    """A password as it was typed; whether a new one is good enough is the domain's to say."""

    default_error_messages = {
        "typed": message("There is something in it that no keyboard types: type the password again."),
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            load_only=True,
            required=True,
            validate=validate.Length(max=MAXIMUM),
            metadata={"format": "password", "example": PASSWORD_EXAMPLE},
            **kwargs,
        )

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        typed: str = super()._deserialize(value, attr, data, **kwargs)
        if any(unicodedata.category(character) in ("Cc", "Cs") for character in typed):
            raise self.make_error("typed")
        return typed


class Token(ma.fields.String):
    """The secret of a link or of a session."""

    default_error_messages = {
        "token": message("This is not a token of ours: copy the end of the link, after the last slash."),
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            load_only=True,
            metadata={"example": TOKEN_EXAMPLE, "pattern": "^[A-Za-z0-9_-]{20,100}$"},
            **kwargs,
        )

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        token: str = super()._deserialize(value, attr, data, **kwargs)
        is_ours = 20 <= len(token) <= 100 and token.isascii() and token.replace("-", "").replace("_", "").isalnum()
        if not is_ours:
            raise self.make_error("token")
        return token


class Flag(ma.fields.Boolean):
    """True or false, and no word or number for it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(truthy={True}, falsy={False}, **kwargs)


def roles_field(**kwargs: Any) -> ma.fields.List[str]:
    """The roles that an administrator may give."""
    return ma.fields.List(
        ma.fields.String(validate=validate.OneOf(GRANTABLE), metadata={"example": "organiser"}),
        validate=[
            validate.Length(min=1, error=message("Choose one at least.")),
            validate.Length(max=len(GRANTABLE)),
        ],
        **kwargs,
    )


class TenantSchema(Schema):
    """A tenant."""

    tenant_id = ma.fields.UUID(required=True)
    kind = ma.fields.String(required=True, validate=validate.OneOf(KINDS))
    name = Text(maximum=120, required=True, metadata={"example": "École des Lilas"})
    country = Country(required=True)
    language = Language(required=True)
    zone = Zone(required=True)
    is_suspended = Flag(required=True, metadata={"example": False})
    founded_at = ma.fields.DateTime(required=True)


class PersonSchema(Schema):
    """A person of the caller's tenant."""

    person_id = ma.fields.UUID(required=True)
    display_name = Text(maximum=80, required=True, metadata={"example": "Camille Roux"})
    email = ma.fields.String(required=True, allow_none=True, metadata={"example": "camille@example.org"})
    roles = ma.fields.List(ma.fields.String(validate=validate.OneOf(ROLES)), required=True)
    language = Language(required=True)
    is_suspended = Flag(required=True, metadata={"example": False})
    joined_at = ma.fields.DateTime(required=True)


class AdministratorCreateSchema(Schema):
    """The first administrator of a new tenant."""

    display_name = Text(maximum=80, required=True, metadata={"example": "Camille Roux"})
    email = EmailAddress(required=True)
    password = Password()


class TenantCreateSchema(Schema):
    """A school or a company that begins."""

    kind = ma.fields.String(required=True, validate=validate.OneOf(("school", "company")))
    name = Text(maximum=120, required=True, metadata={"example": "École des Lilas"})
    country = Country(required=True)
    language = Language(required=True)
    zone = Zone(required=True)
    administrator = ma.fields.Nested(AdministratorCreateSchema, required=True)


class TenantPatchSchema(Schema):
    """What an administrator may change of the tenant; the rest stays."""

    name = Text(maximum=120, metadata={"example": "École des Lilas"})
    country = Country()
    language = Language()
    zone = Zone()


class TenantQuerySchema(Schema):
    """Which tenants to list."""

    tenant_id = ma.fields.UUID()
    kind = ma.fields.String(validate=validate.OneOf(KINDS))
    name = Text(maximum=120)
    is_suspended = ma.fields.Boolean()


class FoundedSchema(Schema):
    """A tenant and the person of the request in it."""

    tenant = ma.fields.Nested(TenantSchema, required=True)
    person = ma.fields.Nested(PersonSchema, required=True)


class PlayerCreateSchema(Schema):
    """Somebody who joins the community."""

    display_name = Text(maximum=80, required=True, metadata={"example": "Sacha"})
    email = EmailAddress(required=True)
    password = Password()
    language = Language(required=True)


class SignInSchema(Schema):
    """An e-mail and its password."""

    email = EmailAddress(required=True)
    password = Password()
    tenant_id = ma.fields.UUID(metadata={"description": "Which tenant, when the e-mail has accounts in several."})
    cookies = Flag(load_default=False, metadata={"description": "Tokens as HttpOnly cookies and not in the body."})


class RefreshSchema(Schema):
    """The refresh token; a browser leaves it out, for it has a cookie."""

    refresh_token = Token()


class SignedInSchema(Schema):
    """Tokens, and for whom they are. With cookies the tokens are in those."""

    token_type = ma.fields.Constant("Bearer", metadata={"example": "Bearer"})
    access_token = ma.fields.String(metadata={"example": "eyJhbGciOiJFZDI1NTE5In0.e30.c2lnbmF0dXJl"})
    expires_in = ma.fields.Integer(required=True, metadata={"description": "Seconds.", "example": 300})
    refresh_token = ma.fields.String(metadata={"example": TOKEN_EXAMPLE})
    refresh_expires_in = ma.fields.Integer(required=True, metadata={"example": 2592000})
    tenant = ma.fields.Nested(TenantSchema, required=True)
    person = ma.fields.Nested(PersonSchema, required=True)


class ChoiceSchema(Schema):
    """One of the tenants that an e-mail and its password open."""

    tenant_id = ma.fields.UUID(required=True)
    name = ma.fields.String(required=True, metadata={"example": "École des Lilas"})


class ChoicesSchema(Schema):
    """Sign in again and name one of these tenants."""

    choices = ma.fields.List(ma.fields.Nested(ChoiceSchema), required=True)


class MeSchema(PersonSchema):
    """The caller and their tenant."""

    tenant = ma.fields.Nested(TenantSchema, required=True)


class MePatchSchema(Schema):
    """What a person may change of themselves."""

    display_name = Text(maximum=80, metadata={"example": "Camille Roux"})
    language = Language()


class PasswordPutSchema(Schema):
    """The present password and the next one."""

    current_password = Password()
    new_password = Password()


class PersonPatchSchema(Schema):
    """What an administrator may change of a person."""

    display_name = Text(maximum=80, metadata={"example": "Camille Roux"})
    roles = roles_field()


class PeopleQuerySchema(Schema):
    """Which people to list."""

    name = Text(maximum=80)
    is_suspended = ma.fields.Boolean()


class InvitationCreateSchema(Schema):
    """Whom to invite. Without an e-mail, pass the link on yourself."""

    email = EmailAddress()
    roles = roles_field(required=True)
    language = Language(metadata={"description": "Of the mail and of the new account; the tenant's when left out."})


class InvitationSchema(Schema):
    """An invitation."""

    invitation_id = ma.fields.UUID(required=True)
    email = ma.fields.String(required=True, allow_none=True, metadata={"example": "camille@example.org"})
    roles = ma.fields.List(ma.fields.String(validate=validate.OneOf(GRANTABLE)), required=True)
    language = Language(required=True)
    invited_by = ma.fields.UUID(required=True, allow_none=True)
    invited_at = ma.fields.DateTime(required=True)
    expires_at = ma.fields.DateTime(required=True)
    accepted_at = ma.fields.DateTime(required=True, allow_none=True)


class InvitedSchema(InvitationSchema):
    """An invitation with its link, which is shown this once."""

    link = ma.fields.String(
        required=True, metadata={"example": f"http://127.0.0.1:8000/identity/invitations/{TOKEN_EXAMPLE}"}
    )


class InvitationsCreateSchema(Schema):
    """Whom to invite by mail, all as the same."""

    emails = ma.fields.List(
        EmailAddress(), required=True, validate=validate.Length(min=1, max=MOST_AT_ONCE), metadata={"example": EMAILS}
    )
    roles = roles_field(required=True)
    language = Language(metadata={"description": "Of the mails and of the new accounts; the tenant's when left out."})


class InvitationsSentSchema(Schema):
    """Who was invited, and who was not: they are here already."""

    invitations = ma.fields.List(ma.fields.Nested(InvitationSchema), required=True)
    here_already = ma.fields.List(ma.fields.String(metadata={"example": EMAILS[1]}), required=True)


class OpenInvitationCreateSchema(Schema):
    """A link with which many people join as players."""

    days = Integer(minimum=1, maximum=LONGEST_DAYS, required=True, metadata={"example": 30})
    max_uses = Integer(
        minimum=1,
        maximum=MOST_USES,
        metadata={"description": "How many people may use it; as many as come when left out.", "example": 300},
    )
    language = Language(metadata={"description": "Of accounts that name none; the tenant's when left out."})


class OpenInvitationSchema(Schema):
    """A link with which many people join as players."""

    invitation_id = ma.fields.UUID(required=True)
    roles = ma.fields.List(ma.fields.String(validate=validate.OneOf(GRANTABLE)), required=True)
    language = Language(required=True)
    invited_by = ma.fields.UUID(required=True, allow_none=True)
    invited_at = ma.fields.DateTime(required=True)
    expires_at = ma.fields.DateTime(required=True)
    max_uses = ma.fields.Integer(required=True, allow_none=True, metadata={"example": 300})
    uses = ma.fields.Integer(required=True, metadata={"example": 12})
    link = ma.fields.String(
        required=True, metadata={"example": f"http://127.0.0.1:8000/identity/invitations/{TOKEN_EXAMPLE[:22]}"}
    )


class AcceptanceSchema(Schema):
    """Joins the tenant of an invitation."""

    token = Token(required=True)
    display_name = Text(maximum=80, required=True, metadata={"example": "Camille Roux"})
    email = EmailAddress(metadata={"description": "Only when the invitation names none."})
    password = Password()
    language = Language()


class PasswordResetSchema(Schema):
    """Whose password is forgotten."""

    email = EmailAddress(required=True)


class PasswordResetConfirmationSchema(Schema):
    """The token of the mail and the new password."""

    token = Token(required=True)
    password = Password()


class AuditQuerySchema(Schema):
    """Which entries to list."""

    action = Text(maximum=40)


class AuditEntrySchema(Schema):
    """Who did what, when, to whom."""

    entry_id = ma.fields.UUID(required=True)
    at = ma.fields.DateTime(required=True)
    action = ma.fields.String(required=True, metadata={"example": "person_suspended"})
    actor_id = ma.fields.UUID(required=True, allow_none=True)
    actor_name = ma.fields.String(required=True, allow_none=True, metadata={"example": "Camille Roux"})
    subject_type = ma.fields.String(required=True, metadata={"example": "person"})
    subject_id = ma.fields.UUID(required=True)
    subject_name = ma.fields.String(required=True, allow_none=True, metadata={"example": "Sacha"})
    league_name = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "The league in which somebody was appointed or stepped down.", "example": "CM2"},
    )
    details = ma.fields.Dict(required=True)


class KeysSchema(Schema):
    """A JSON Web Key Set (RFC 7517)."""

    keys = ma.fields.List(
        ma.fields.Dict(),
        required=True,
        metadata={"example": [{"kty": "OKP", "crv": "Ed25519", "kid": "0190c0de", "x": "11qYAYKxCrfVS_7TyWQHOg"}]},
    )
