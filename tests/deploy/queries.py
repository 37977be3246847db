"""The queries of alerts and dashboards, taken apart by a real parser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import promql_parser as promql
import yaml

from tests.deploy.commands import ROOT
from tests.deploy.metrics import Exposed

PROMETHEUS = ROOT / "deploy" / "prometheus"
DASHBOARDS = ROOT / "deploy" / "grafana" / "dashboards"
GROUPS = yaml.safe_load((PROMETHEUS / "rules.yml").read_text(encoding="utf-8"))["groups"]
RULES: list[dict[str, Any]] = [rule for group in GROUPS for rule in group["rules"]]
# What Prometheus adds: about its targets (prometheus.yml names service and role), and about its alerts.
OF_TARGETS = {"job", "instance", "service", "role"}
OF_PROMETHEUS: Exposed = {"up": set(), "ALERTS": {"alertname", "alertstate", "severity"}}
FILLED_IN = {"$__rate_interval": "5m", "$service": ".*"}


def dashboards() -> dict[str, dict[str, Any]]:
    """Every dashboard, by the name of its file."""
    return {file.name: json.loads(file.read_text(encoding="utf-8")) for file in DASHBOARDS.glob("*.json")}


def panels() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every panel of every dashboard, with its title."""
    for name, dashboard in dashboards().items():
        for panel in dashboard["panels"]:
            yield f"{name}: {panel['title']}", panel


def queries() -> dict[str, str]:
    """Every query of alerts and dashboards, with its title."""
    found = {f"alert {rule['alert']}": rule["expr"] for rule in RULES}
    for title, panel in panels():
        for target in panel.get("targets", []):
            found[f"{title} {target['refId']}"] = target["expr"]
    return found


def filled_in(text: str) -> str:
    """A query with Grafana's variables filled in."""
    for name, value in FILLED_IN.items():
        text = text.replace(name, value)
    assert "$" not in text, text
    return text


def parts(query: str) -> list[Any]:
    """Every node of a query."""
    found: list[Any] = []
    promql.walk(promql.parse(filled_in(query)), found.append)
    return found


def grouped_by(node: Any) -> set[str]:
    """The labels that an aggregation or a match of two sides names."""
    if isinstance(node, promql.AggregateExpr) and node.modifier is not None:
        return set(node.modifier.labels)
    if isinstance(node, promql.BinaryExpr) and node.modifier is not None and node.modifier.matching is not None:
        return set(node.modifier.matching.labels)
    return set()


def metrics_of(query: str) -> set[str]:
    """The metrics that a query asks for."""
    return {str(node.name) for node in parts(query) if isinstance(node, promql.VectorSelector)}


def unknown_names(query: str, exposed: Exposed) -> set[str]:
    """The metrics and labels of a query that nobody exposes."""
    unknown, available = set(), set(OF_TARGETS)
    for node in parts(query):
        if isinstance(node, promql.VectorSelector):
            labels = exposed.get(node.name) if node.name else None
            if labels is None:
                unknown.add(str(node.name))
                continue
            available |= labels
            asked = {matcher.name for matcher in node.matchers.matchers}
            unknown |= {f"{node.name}{{{label}}}" for label in asked - labels - OF_TARGETS}
    for node in parts(query):
        unknown |= {f"by ({label})" for label in grouped_by(node) - available}
    return unknown
