"""How often somebody may try: counted per account and per address, in the storage of MPP_RATE_LIMITS_URL."""

from __future__ import annotations

import hashlib
import math
import time

from limits import RateLimitItem, parse
from limits.errors import ConfigurationError
from limits.storage import Storage, storage_from_string
from limits.strategies import MovingWindowRateLimiter

from services.identity.domain.people import normalise_email
from services.identity.errors import MailsSpent
from shared.errors import TooManyRequests
from shared.settings import Settings, SettingsError


class Throttle:
    """The counters of one process; of all of them, when the storage is a server."""

    def __init__(self, settings: Settings) -> None:
        self._limiter = MovingWindowRateLimiter(_storage(settings))
        self._per_account = _limit("MPP_SIGN_IN_ATTEMPTS", settings.sign_in_attempts)
        self._per_address = _limit("MPP_SIGN_IN_ATTEMPTS_PER_ADDRESS", settings.sign_in_attempts_per_address)
        self._forms = _limit("MPP_PUBLIC_FORMS_PER_ADDRESS", settings.public_forms_per_address)
        self._invited = _limit("MPP_INVITED_BY_MAIL", settings.invited_by_mail)

    def count_sign_in(self, email: str, address: str) -> None:
        """Counts an attempt before the password is looked at. Raises TooManyRequests."""
        self._count(self._per_address, "sign-in-address", address)
        self._count(self._per_account, "sign-in-account", _account(email))

    def forgive_sign_in(self, email: str) -> None:
        """The password was right: earlier mistakes count no more."""
        self._limiter.clear(self._per_account, "sign-in-account", _account(email))

    def count_password(self, person_id: str) -> None:
        """Counts an attempt to guess the password of an open session. Raises TooManyRequests."""
        self._count(self._per_account, "password", person_id)

    def count_reset(self, email: str, address: str) -> None:
        """Counts a request for a new password, whether or not the account exists. Raises TooManyRequests."""
        self._count(self._forms, "password-reset", address)
        self._count(self._per_account, "password-reset-account", _account(email))

    def count_form(self, form: str, sender: str) -> None:
        """Counts one use of a form by an address. Raises TooManyRequests."""
        self._count(self._forms, form, sender)

    def count_arrival(self, invitation_id: str, address: str) -> None:
        """Counts somebody who joins by an open invitation. Raises TooManyRequests.

        Whole companies come from one address in one meeting: so it is not counted like a form of strangers.
        """
        self._count(self._per_address, "arrival", invitation_id, address)

    def count_invited(self, tenant_id: str, people: int) -> None:
        """Counts the people whom a tenant invites by our mail, all or none of them. Raises MailsSpent."""
        if not self._limiter.hit(self._invited, "invited", tenant_id, cost=people):
            stats = self._limiter.get_window_stats(self._invited, "invited", tenant_id)
            raise MailsSpent(left=stats.remaining, seconds=_seconds_until(stats.reset_time))

    def _count(self, limit: RateLimitItem, *key: str) -> None:
        if not self._limiter.hit(limit, *key):
            raise TooManyRequests(seconds=_seconds_until(self._limiter.get_window_stats(limit, *key).reset_time))


def _seconds_until(moment: float) -> int:
    return max(1, math.ceil(moment - time.time()))


def _account(email: str) -> str:
    """Addresses of people do not belong in a cache: their hash counts as well."""
    return hashlib.sha256(normalise_email(email).encode()).hexdigest()


def _storage(settings: Settings) -> Storage:
    try:
        storage = storage_from_string(settings.rate_limits_url)
    except ConfigurationError as error:
        raise SettingsError(f"MPP_RATE_LIMITS_URL cannot be used: {error}") from error
    if not isinstance(storage, Storage):
        raise SettingsError("MPP_RATE_LIMITS_URL begins with async+, which we do not use: leave that out.")
    return storage


def _limit(name: str, text: str) -> RateLimitItem:
    try:
        return parse(text)
    except ValueError as error:
        raise SettingsError(f"{name} is {text!r}: write it like “10 per 5 minutes”.") from error
