"""The audit trail in words: what each action is called, and what is chosen from it."""

from __future__ import annotations

from flask import request

from shared.errors import message
from shared.i18n import translate

ACTIONS = {
    "tenant_founded": message("Tenant founded"),
    "tenant_changed": message("Settings changed"),
    "tenant_suspended": message("Tenant suspended"),
    "tenant_resumed": message("Tenant reopened"),
    "person_invited": message("Somebody invited"),
    "people_invited": message("People invited by mail"),
    "open_invitation_made": message("Invitation for many made"),
    "open_invitation_used": message("Joined by an invitation for many"),
    "open_invitation_ended": message("Invitation for many ended"),
    "invitation_withdrawn": message("Invitation withdrawn"),
    "invitations_withdrawn": message("Waiting invitations withdrawn"),
    "invitation_sent_again": message("Invitation sent again"),
    "invitation_accepted": message("Invitation accepted"),
    "person_changed": message("Person changed"),
    "person_suspended": message("Person suspended"),
    "person_resumed": message("Person may act again"),
    "person_removed": message("Person removed"),
    "password_changed": message("Password changed"),
    "password_reset": message("Forgotten password replaced"),
    "operator_created": message("Operator added"),
    "edition_scheduled": message("Edition published"),
    "edition_changed": message("Edition changed"),
    "edition_frozen": message("Boards frozen"),
    "edition_revealed": message("Results revealed"),
    "league_created": message("League opened"),
    "league_changed": message("League changed"),
    "leader_appointed": message("Leader appointed"),
    "leader_resigned": message("Leader stepped down"),
}
"""Every action that is recorded anywhere, in words; a test finds those that are missing."""
SUBJECTS = {
    "tenant": message("a tenant"),
    "person": message("a person"),
    "invitation": message("an invitation"),
    "edition": message("an edition"),
    "league": message("a league"),
}
"""What an entry is about when it has no name, or has lost it."""
FIELDS = {
    "name": message("Name"),
    "display_name": message("Name"),
    "country": message("Country"),
    "language": message("Language"),
    "zone": message("Time zone"),
    "roles": message("Roles"),
}
"""What may be changed of a tenant or a person."""


def words() -> dict[str, dict[str, str]]:
    """The words of the trail in the reader's language, for its templates."""
    named = {"actions": ACTIONS, "subjects": SUBJECTS, "fields": FIELDS}
    return {name: {key: translate(text) for key, text in texts.items()} for name, texts in named.items()}


def asked_action() -> str | None:
    """The action that the address asks for; None for all of them, and for what is no action of ours."""
    action = request.args.get("action", "")
    return action if action in ACTIONS else None
