"""Structured logs: one JSON line per fact on standard error, with request, tenant and event ids and never a secret."""

from __future__ import annotations

import logging
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

import structlog

SECRET_WORDS = ("password", "token", "secret", "cookie", "authorization", "display_name", "email", "pin", "code_of")


def _hide_secrets(_logger: Any, _name: str, event: dict[str, Any]) -> dict[str, Any]:
    """Masks what must not be in a log, should a line ever be given it: passwords, tokens, people's names."""
    for key in event:
        if any(word in key.lower() for word in SECRET_WORDS):
            event[key] = "***"
    return event


def configure_logging(level: str, file: Path | None = None) -> None:
    """Sends structlog and the standard library's loggers, as JSON, to standard error or to a file. Safe to call again.

    A file is begun anew at 10 MB; the three before it are kept.
    """
    before_both: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _hide_secrets,
    ]
    structlog.configure(
        processors=[*before_both, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = _handler(file)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=before_both,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    root.setLevel(level.upper())
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it reports every connection it looks at


def _handler(file: Path | None) -> logging.Handler:
    if file is None:
        return logging.StreamHandler(sys.stderr)
    file.parent.mkdir(parents=True, exist_ok=True)
    return RotatingFileHandler(file, maxBytes=10_000_000, backupCount=3, encoding="utf-8")
