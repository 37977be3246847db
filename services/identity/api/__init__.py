"""The JSON API of identity, one file per noun."""

from services.identity.api import (
    audit,
    invitations,
    keys,
    me,
    open_invitations,
    password_resets,
    people,
    sessions,
    tenants,
)

BLUEPRINTS = (
    tenants.blueprint,
    sessions.blueprint,
    me.blueprint,
    people.blueprint,
    invitations.blueprint,
    open_invitations.blueprint,
    password_resets.blueprint,
    audit.blueprint,
    keys.blueprint,
    keys.well_known,
)
