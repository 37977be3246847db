"""What a browser is allowed to do with our pages, read from the header as a browser reads it."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from shared.i18n import ROOT
from tests.house import House, caller_of

WANTED = {
    "default-src": {"'self'"},
    "img-src": {"'self'", "data:"},
    "object-src": {"'none'"},
    "base-uri": {"'none'"},
    "form-action": {"'self'"},
    "frame-ancestors": {"'none'"},
}
"""Every directive that must be there, and the most that it may allow."""
FETCHED = re.compile(r"(script|style|font|connect|media|frame|child|worker|manifest|prefetch)-src(-elem|-attr)?")
"""Directives that stand for a kind of file: they may only be stricter than default-src."""
PAGES = {
    "identity": ("/", "/ui", "/offline", "/sign-in", "/found", "/legal/about", "/nowhere", "/identity/people"),
    "challenges": ("/challenges/", "/challenges/nowhere", "/challenges/dead-letters"),
    "leagues": ("/leagues/", "/leagues/join", "/leagues/new", "/leagues/nowhere", "/leagues/dead-letters"),
    "ranking": ("/ranking/", "/ranking/overview", "/ranking/counters", "/ranking/nowhere"),
}
ALL = [(service, path) for service, paths in PAGES.items() for path in (*paths, f"/{service}/api/v1/docs")]


def policy_of(header: str) -> dict[str, set[str]]:
    """The directives of a Content-Security-Policy and their sources; of two of one name the first counts."""
    found: dict[str, set[str]] = {}
    for directive in header.split(";"):
        name, *sources = directive.split()
        found.setdefault(name.lower(), {source.lower() for source in sources})
    return found


def wrongs(header: str) -> list[str]:
    """What a policy lacks, and what it allows beyond ours."""
    policy = policy_of(header)
    wrong = [f"no {name}" for name in WANTED.keys() - policy.keys()]
    for name, sources in policy.items():
        most = WANTED.get(name, {"'self'", "'none'"} if FETCHED.fullmatch(name) else set())
        wrong += [f"{name} {source}" for source in sorted(sources - most)]
        wrong += [f"{name} allows nothing by name"] if name in WANTED and not sources else []
    return wrong


@pytest.fixture
def clients(house: House) -> dict[str, list[FlaskClient]]:
    """For each service a visitor, an administrator and an operator."""
    return {
        name: [
            house.client(name, caller)
            for caller in (None, caller_of(), caller_of(None, "operator", "administrator", kind="platform"))
        ]
        for name in PAGES
    }


def test_no_page_of_any_service_allows_what_is_inline_or_from_elsewhere(clients: dict[str, list[FlaskClient]]) -> None:
    for service, path in ALL:
        statuses = set()
        for client in clients[service]:
            answer = client.get(path)
            statuses.add(answer.status_code)
            headers = answer.headers.getlist("Content-Security-Policy")
            assert len(headers) == 1, path
            assert wrongs(headers[0]) == [], path
            assert answer.headers["X-Frame-Options"] == "DENY"
        assert statuses & {200, 404}, f"{path}: somebody sees it"


def test_no_module_writes_a_policy_of_its_own() -> None:
    """Pages that are not in the list above have the same header, because there is one."""
    writing = [
        path.relative_to(ROOT).as_posix()
        for folder in ("shared", "services")
        for path in (ROOT / folder).rglob("*.py")
        if "content-security-policy" in path.read_text(encoding="utf-8").lower()
    ]
    assert writing == ["shared/web.py"]


OURS = sorted(
    path for folder in ("services", "shared", "deploy") for path in (ROOT / folder).rglob("templates/**/*.html")
)


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_no_template_needs_anything_inline(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert not re.findall(r"<style|\sstyle=|\son\w+=|javascript:|<script(?![^>]*\bsrc=)", source)


def test_the_gateways_own_pages_allow_nothing_inline_but_the_style_they_have() -> None:
    policies = re.findall(r'header \??Content-Security-Policy "([^"]+)"', (ROOT / "deploy/Caddyfile").read_text())
    assert len(policies) == 2
    [style] = re.findall(r"<style>(.*?)</style>", (ROOT / "deploy/gateway/away.html").read_text("utf-8"), re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    for policy in policies:
        allowed = policy.replace(f"'sha256-{digest}'", "'self'").replace("default-src 'none'", "default-src 'self'")
        allowed = allowed.replace("form-action 'none'", "form-action 'self'")
        assert [wrong for wrong in wrongs(allowed) if wrong != "no img-src"] == []


GOOD = "; ".join(f"{name} {' '.join(sorted(sources))}" for name, sources in WANTED.items())


@pytest.mark.parametrize(
    "header",
    [
        *(GOOD.replace(f"{name} ", f"x-{name} ", 1) for name in WANTED),
        GOOD + "; script-src 'self' 'unsafe-inline'",
        GOOD + "; style-src 'unsafe-inline'",
        GOOD + "; script-src-elem 'unsafe-eval'",
        GOOD + "; script-src *",
        GOOD + "; connect-src https:",
        GOOD.replace("default-src 'self'", "default-src 'self' https://cdn.example"),
        GOOD.replace("form-action 'self'", "form-action *"),
        GOOD.replace("frame-ancestors 'none'", "frame-ancestors 'self'"),
        GOOD.replace("object-src 'none'", "object-src"),
        "default-src *; " + GOOD,
    ],
)
def test_a_weaker_policy_is_found(header: str) -> None:
    assert wrongs(header) != []
    assert wrongs(GOOD) == []
