"""The verbs of identity."""

from services.identity.domain.people import add_person, create_operator
from services.identity.domain.tenants import TenantFacts, found_tenant

__all__ = ["TenantFacts", "add_person", "create_operator", "found_tenant"]
