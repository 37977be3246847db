"""Identity: who is who, in which tenant, and how they prove it.

Owns: tenants, people, their roles, passwords and sessions, invitations, signing keys, the audit trail.
Emits: TenantFounded, TenantSuspended, TenantResumed, PersonJoined, PersonSuspended, PersonResumed, PersonLeft,
AccessRevoked, SigningKeyPublished (topic `identity`, in order per tenant).
Listens to: editions and leagues, for the audit trail.
"""
