"""deploy/README.md says nothing that is not there."""

from __future__ import annotations

import re

import yaml

from tests.deploy import compose
from tests.deploy.commands import KNOWN_SETTINGS, ROOT, SERVICES, roles_of
from tests.deploy.queries import RULES

FILE = ROOT / "deploy" / "README.md"
TEXT = FILE.read_text(encoding="utf-8")


def test_every_link_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", TEXT)
    assert links
    assert not [link for link in links if not (FILE.parent / link).exists()]


def test_every_setting_it_names_is_one() -> None:
    assert set(re.findall(r"\bMPP_[A-Z_]+", TEXT)) <= KNOWN_SETTINGS


def test_every_variable_and_service_of_compose_it_names_is_one() -> None:
    variables = {found["name"] for found in compose.variables(compose.raw())}
    assert {"RANKING_DATABASE", "RANKING_GROUP", "SMTP_URL", "TRACES_URL", "IMAGE", "POSTGRES_PASSWORD"} <= variables
    services = set(compose.raw()["services"])
    used = set(re.findall(r"docker compose (?:exec|run)(?: -T| --rm)* ([a-z][a-z-]+)", TEXT))
    assert used
    assert used <= services


def test_every_command_it_names_exists() -> None:
    named = set(re.findall(r"services\.([a-z]+) ([a-z][a-z-]+)", TEXT))
    assert ("ranking", "catch-up") in named
    for service, command in named:
        assert command in roles_of(f"services.{service}"), f"{service} {command}"
    of_all = {"outbox", "dead-letters", "topics", "announce", "migrate"}
    assert all(f"`{command}" in TEXT for command in of_all)
    assert all(of_all <= roles_of(f"services.{service}") for service in SERVICES)
    for command in re.findall(r"python -m services ([a-z][a-z-]+)", TEXT):
        assert command in roles_of("services"), command


def test_it_lists_every_alert_and_no_other() -> None:
    listed = re.findall(r"^\| `([A-Z]\w+)` \|", TEXT, re.MULTILINE)
    assert sorted(listed) == sorted(rule["alert"] for rule in RULES)


def test_it_names_the_namespaces_that_the_network_policies_let_in() -> None:
    policies = yaml.safe_load_all((ROOT / "deploy" / "k8s" / "base" / "network.yaml").read_text(encoding="utf-8"))
    let_in = set(re.findall(r"'kubernetes.io/metadata.name': '([a-z-]+)'", str(list(policies)))) - {"kube-system"}
    assert let_in
    assert all(f"`{name}`" in TEXT for name in let_in)
