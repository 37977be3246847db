"""Alerts and dashboards: the rules work, and every query asks for something that the services really say."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy import compose
from tests.deploy.commands import ROOT, SERVICES, roles_of
from tests.deploy.metrics import Exposed, ask_all, at_work
from tests.deploy.queries import (
    OF_PROMETHEUS,
    PROMETHEUS,
    RULES,
    dashboards,
    grouped_by,
    metrics_of,
    panels,
    parts,
    queries,
    unknown_names,
)
from tests.servers.plugin import refuse
from tests.servers.process import MissingServer

ALERT_TESTS = Path(__file__).with_name("alerts.yml")
README = ROOT / "deploy" / "README.md"
MISSING = "promtool is not installed: apt install prometheus (and stop its service)."


@pytest.fixture(scope="module")
def processes(template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Exposed]:
    try:
        with at_work(template, tmp_path_factory.mktemp("exposed")) as clients:
            return ask_all(clients)
    except MissingServer as error:
        refuse(str(error))
        raise


@pytest.fixture(scope="module")
def exposed(processes: dict[str, Exposed]) -> Exposed:
    merged: Exposed = dict(OF_PROMETHEUS)
    for said in processes.values():
        for name, labels in said.items():
            merged[name] = merged.get(name, set()) | labels
    return merged


@pytest.mark.parametrize("title", queries())
def test_every_query_asks_for_what_the_services_expose(title: str, exposed: Exposed) -> None:
    assert not unknown_names(queries()[title], exposed)


def test_every_number_says_whose_it_is(processes: dict[str, Exposed]) -> None:
    for process, said in processes.items():
        assert said
        assert not [name for name, labels in said.items() if "service" not in labels], process


def test_a_query_for_something_else_would_be_found(exposed: Exposed) -> None:
    assert unknown_names("sum by (service) (rate(mpp_request_total[5m]))", exposed) == {"mpp_request_total"}
    assert unknown_names('mpp_requests_total{code="500"}', exposed) == {"mpp_requests_total{code}"}
    assert unknown_names("sum by (verb) (mpp_requests_total)", exposed) == {"by (verb)"}
    assert unknown_names("mpp_outbox_depth / on (verb) mpp_pool_size", exposed) == {"by (verb)"}


def test_nothing_is_exposed_in_vain(exposed: Exposed) -> None:
    """A number that no alert and no panel asks for is one that nobody sees."""
    asked = set().union(*map(metrics_of, queries().values()))
    end = re.compile("_(bucket|sum|count|total|created)$")
    assert {end.sub("", name) for name in exposed} - {end.sub("", name) for name in asked} == set()


def promtool(*arguments: str | Path) -> str:
    program = shutil.which("promtool")
    if program is None:
        refuse(MISSING)
    assert program
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_prometheus_accepts_the_rules_and_both_ways_to_find_processes(tmp_path: Path) -> None:
    promtool("check", "rules", PROMETHEUS / "rules.yml")
    promtool("check", "config", PROMETHEUS / "prometheus.yml")
    in_cluster = yaml.safe_load((PROMETHEUS / "kubernetes.yml").read_text(encoding="utf-8"))
    for job in in_cluster["scrape_configs"]:  # Debian's Prometheus is built without this discovery
        assert job.pop("kubernetes_sd_configs") == [{"role": "pod", "namespaces": {"names": ["ma-petite-planete"]}}]
    (tmp_path / "kubernetes.yml").write_text(yaml.safe_dump(in_cluster))
    promtool("check", "config", tmp_path / "kubernetes.yml")


def test_every_process_of_the_compose_file_is_scraped_where_its_metrics_are() -> None:
    (job,) = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8"))["scrape_configs"]
    (discovery,) = job["dns_sd_configs"]
    processes = {name for name in compose.raw()["services"] if name.endswith(("-web", "-worker"))}
    assert set(discovery["names"]) == processes
    for process in processes:
        labels = relabelled(job["relabel_configs"], {"__meta_dns_name": process})
        service, role = process.split("-")
        assert labels["__metrics_path__"] == f"/{service}/metrics"
        assert (labels["service"], labels["role"]) == (service, role)


def relabelled(steps: list[dict[str, Any]], labels: dict[str, str]) -> dict[str, str]:
    """What Prometheus makes of a target's labels: `replace`, its usual action."""
    for step in steps:
        found = re.fullmatch(step.get("regex", "(.*)"), ";".join(labels[name] for name in step["source_labels"]))
        if found:
            template = re.sub(r"\$(\d)", r"\\\1", step.get("replacement", "$1"))
            labels = labels | {step["target_label"]: found.expand(template)}
    return labels


def test_each_alert_is_raised_when_it_should_be_and_only_then() -> None:
    promtool("test", "rules", ALERT_TESTS)


@pytest.mark.parametrize("name", [rule["alert"] for rule in RULES])
def test_each_alert_is_tested_both_ways(name: str) -> None:
    stories = yaml.safe_load(ALERT_TESTS.read_text(encoding="utf-8"))["tests"]
    telling = [story for story in stories if f'"{name}"' in json.dumps(story).replace("\\", "")]
    assert telling
    for story in telling:
        assert {bool(test["exp_samples"]) for test in story["promql_expr_test"]} == {True, False}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_each_alert_says_what_is_wrong_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("page", "ticket")
    summary, description = rule["annotations"]["summary"], rule["annotations"]["description"]
    assert summary.endswith(".")
    assert len(description) > len(summary)
    assert f"`{rule['alert']}`" in README.read_text(encoding="utf-8"), "deploy/README.md lists them"
    for command in re.findall(r"python -m services\.\S+ ([a-z-]+)", description):
        assert any(command in roles_of(f"services.{service}") for service in SERVICES), command


def test_every_panel_has_a_place_of_its_own_and_says_what_it_shows() -> None:
    for name, dashboard in dashboards().items():
        numbers = [panel["id"] for panel in dashboard["panels"]]
        assert len(set(numbers)) == len(numbers), name
        taken: set[tuple[int, int]] = set()
        for panel in dashboard["panels"]:
            place = panel["gridPos"]
            assert place["x"] + place["w"] <= 24, panel["title"]
            squares = {
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            }
            assert not squares & taken, panel["title"]
            taken |= squares
            if panel["type"] == "row":
                assert panel["title"].endswith("?"), "a row is a question"
            else:
                assert panel["description"].endswith((".", "?")), panel["title"]
                assert panel["targets"], panel["title"]


def test_every_legend_names_labels_that_are_left() -> None:
    for title, panel in panels():
        for target in panel.get("targets", []):
            named = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
            kept = [grouped_by(node) for node in parts(target["expr"])]
            assert named <= set().union(*kept), title


def test_every_alert_has_a_panel_that_shows_it() -> None:
    shown = set().union(*(metrics_of(target["expr"]) for _, panel in panels() for target in panel.get("targets", [])))
    for rule in RULES:
        assert metrics_of(rule["expr"]) <= shown, rule["alert"]


def test_grafana_finds_the_dashboards_and_their_data() -> None:
    folder = ROOT / "deploy" / "grafana" / "provisioning"
    (source,) = yaml.safe_load((folder / "datasources" / "prometheus.yml").read_text(encoding="utf-8"))["datasources"]
    (provider,) = yaml.safe_load((folder / "dashboards" / "dashboards.yml").read_text(encoding="utf-8"))["providers"]
    assert provider["options"]["path"] == "/var/lib/grafana/dashboards"
    for dashboard in dashboards().values():
        (choice,) = [item for item in dashboard["templating"]["list"] if item["type"] == "datasource"]
        assert choice["query"] == source["type"]
        assert choice["current"]["value"] == source["uid"]
