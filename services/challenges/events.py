"""What we do when something happened elsewhere: only what every service does to check its callers."""

from __future__ import annotations

from shared.auth import ACCESS_HANDLERS
from shared.consumer import merge_handlers

HANDLERS = merge_handlers(ACCESS_HANDLERS)
