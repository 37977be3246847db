"""The Kubernetes overlays: valid for the cluster, consistent with each other and with what the programs offer."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import kubernetes_validate
import pytest
import yaml
from jsonschema import Draft202012Validator

from shared.settings import read_settings
from tests.deploy.commands import SERVICES, roles_of, unknown_settings
from tests.deploy.keda import SPECIFICATIONS
from tests.deploy.manifests import (
    FOLDER,
    OVERLAYS,
    built,
    container,
    documented_secrets,
    environment,
    named,
    of_kind,
    pod_templates,
    secret_references,
    selects,
    title,
)

KUBERNETES = kubernetes_validate.latest_version()
ROLE = "app.kubernetes.io/component"


@pytest.fixture(params=OVERLAYS)
def overlay(request: pytest.FixtureRequest) -> str:
    built(request.param)  # without kustomize the test ends here
    name: str = request.param
    return name


def labels_of(template: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = template["metadata"]["labels"]
    return found


def test_every_document_is_valid(overlay: str) -> None:
    for document in built(overlay):
        if document["kind"] in SPECIFICATIONS:
            Draft202012Validator(SPECIFICATIONS[document["kind"]]).validate(document["spec"])
        else:
            kubernetes_validate.validate(document, KUBERNETES, strict=True)


def test_an_unknown_field_would_be_found(overlay: str) -> None:
    document = yaml.safe_load(yaml.safe_dump(of_kind(overlay, "Deployment")[0]))
    document["spec"]["template"]["spec"]["terminationGracePeriod"] = 1
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(document, KUBERNETES, strict=True)


def test_the_documented_secrets_are_valid() -> None:
    for document in yaml.safe_load_all((FOLDER / "secrets.example.yaml").read_text(encoding="utf-8")):
        kubernetes_validate.validate(document, KUBERNETES, strict=True)


def test_every_file_is_used() -> None:
    kustomizations = list(FOLDER.rglob("kustomization.yaml"))
    text = "\n".join(file.read_text(encoding="utf-8") for file in kustomizations)
    for file in FOLDER.rglob("*.yaml"):
        assert file in kustomizations or file.name in text or file.name == "secrets.example.yaml", file


def test_every_service_has_its_processes(overlay: str) -> None:
    expected = {f"Deployment {name}-{role}" for name in SERVICES for role in ("web", "worker")}
    expected |= {f"Job {name}-migrate" for name in SERVICES} | {"Job topics"}
    assert {name for name, _ in pod_templates(overlay)} == expected


def test_every_command_exists(overlay: str) -> None:
    for name, template in pod_templates(overlay):
        module, role = container(template)["args"]
        assert role in roles_of(module), name
        assert "command" not in container(template), "the image's entry point is `python -m`"
        assert labels_of(template)[ROLE] == role, name
        if role != "topics":
            assert name.endswith(f" {module.removeprefix('services.')}-{role}")


def test_every_process_gets_settings_that_it_can_read(overlay: str, tmp_path: Path) -> None:
    for name, template in pod_templates(overlay):
        given = environment(overlay, template)
        assert not unknown_settings(given), name
        if "MPP_KAFKA_CA" in given:  # a file of the pod's own
            assert Path(given["MPP_KAFKA_CA"]).parent == Path(mounts(template)["kafka-tls"])
            (tmp_path / "ca.crt").touch()
            given["MPP_KAFKA_CA"] = str(tmp_path / "ca.crt")
        settings = read_settings(given)
        service = container(template)["args"][0].removeprefix("services.")
        if name != "Job topics":
            assert urlsplit(settings.database_url_for(service)).path == f"/{service}", name
        assert ("MPP_OWNER_DATABASE_URL" in given) == name.endswith("-migrate"), name
        assert settings.port == container(template).get("ports", [{"containerPort": settings.port}])[0]["containerPort"]


def mounts(template: dict[str, Any]) -> dict[str, str]:
    return {mount["name"]: mount["mountPath"] for mount in container(template)["volumeMounts"]}


def test_every_secret_that_is_referred_to_is_documented_and_no_other() -> None:
    referred = {pair for name in OVERLAYS for document in built(name) for pair in secret_references(document)}
    documented = {(name, key) for name, keys in documented_secrets().items() for key in keys}
    assert referred == documented


def test_no_document_is_a_secret_or_holds_one(overlay: str) -> None:
    assert not of_kind(overlay, "Secret")
    for name, template in pod_templates(overlay):
        assert not [variable for variable in container(template).get("env", []) if "value" in variable], name


def test_every_pod_is_contained(overlay: str) -> None:
    for name, template in pod_templates(overlay):
        pod, process = template["spec"], container(template)
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert process["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert set(process["resources"]["limits"]) == set(process["resources"]["requests"]) == {"cpu", "memory"}
        assert {volume["name"] for volume in pod["volumes"]} == set(mounts(template)), name
    (namespace,) = of_kind(overlay, "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_every_image_has_a_version(overlay: str) -> None:
    images = {container(template)["image"] for _, template in pod_templates(overlay)}
    (image,) = images
    assert image.rpartition(":")[2] not in ("", "latest")
    assert "/" in image


def test_probes_ask_the_service_itself(overlay: str) -> None:
    for document in of_kind(overlay, "Deployment"):
        process = container(document["spec"]["template"])
        service = document["metadata"]["name"].rpartition("-")[0]
        paths = {kind: process[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "liveness", "readiness")}
        live, ready = f"/{service}/health/live", f"/{service}/health/ready"
        assert paths == {"startup": live, "liveness": live, "readiness": ready}


def test_a_pod_has_time_to_finish(overlay: str) -> None:
    for document in of_kind(overlay, "Deployment"):
        template = document["spec"]["template"]
        drain = 20 if title(document).endswith("-web") else 40
        before = container(template).get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        assert template["spec"]["terminationGracePeriodSeconds"] >= before + drain + 5, title(document)


def test_every_selector_finds_the_pods_it_is_meant_for(overlay: str) -> None:
    templates = dict(pod_templates(overlay))
    for document in of_kind(overlay, "Deployment", "Service", "PodDisruptionBudget"):
        name = document["metadata"]["name"]
        if name == "nowhere":
            assert "selector" not in document["spec"]
            continue
        selector = document["spec"]["selector"]
        if document["kind"] == "Service":
            selector = {"matchLabels": selector}
        found = {title for title, template in templates.items() if selects(selector, labels_of(template))}
        assert found == {f"Deployment {name}"}, title(document)
    for document in of_kind(overlay, "Deployment"):
        for constraint in document["spec"]["template"]["spec"]["topologySpreadConstraints"]:
            found = {
                name
                for name, template in templates.items()
                if selects(constraint["labelSelector"], labels_of(template))
            }
            assert found == {title(document)}


def test_every_scaler_has_a_target_and_no_number_beside_it(overlay: str) -> None:
    scalers = of_kind(overlay, "HorizontalPodAutoscaler", "ScaledObject")
    targets = [document["spec"]["scaleTargetRef"]["name"] for document in scalers]
    assert len(set(targets)) == len(targets)
    for name in targets:
        assert "replicas" not in named(overlay, "Deployment", name)["spec"], name
    assert {f"{name}-web" for name in SERVICES} <= set(targets)


def test_ranking_grows_up_to_its_partitions() -> None:
    spec = named("production", "ScaledObject", "ranking-worker")["spec"]
    (trigger,) = spec["triggers"]
    given = environment("production", named("production", "Deployment", "ranking-worker")["spec"]["template"])
    assert spec["maxReplicaCount"] == int(given["MPP_KAFKA_PARTITIONS"])
    assert spec["minReplicaCount"] <= spec["fallback"]["replicas"] <= spec["maxReplicaCount"]
    assert trigger["metadata"]["bootstrapServers"] == given["MPP_BUS_URL"].removeprefix("kafka://")
    assert trigger["metadata"]["consumerGroup"] == "ranking"
    assert trigger["metadata"]["topic"] in SERVICES
    assert trigger["metadata"]["sasl"].replace("_", "") == given["MPP_KAFKA_MECHANISM"].replace("-", "").lower()
    assert named("production", "TriggerAuthentication", trigger["authenticationRef"]["name"])
    scaling = yaml.safe_load(yaml.safe_dump(named("production", "HorizontalPodAutoscaler", "ranking-web")))
    scaling["spec"]["behavior"] = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    kubernetes_validate.validate(scaling, KUBERNETES, strict=True)


def test_the_ingress_leads_every_prefix_to_its_service_and_hides_the_rest(overlay: str) -> None:
    (ingress,) = of_kind(overlay, "Ingress")
    (rule,) = ingress["spec"]["rules"]
    targets = {path["path"]: path["backend"]["service"] for path in rule["http"]["paths"]}
    assert targets["/"]["name"] == "identity-web"
    for service in SERVICES:
        assert targets.get(f"/{service}", targets["/"])["name"] == f"{service}-web"
        assert {targets[f"/{service}/{hidden}"]["name"] for hidden in ("metrics", "health")} == {"nowhere"}
    for target in targets.values():
        ports = named(overlay, "Service", target["name"])["spec"]["ports"]
        assert target["port"]["name"] in {port["name"] for port in ports}


def test_the_host_is_the_public_address(overlay: str) -> None:
    (ingress,) = of_kind(overlay, "Ingress")
    given = environment(overlay, named(overlay, "Deployment", "identity-web")["spec"]["template"])
    host = urlsplit(given["MPP_PUBLIC_URL"]).hostname
    assert [rule["host"] for rule in ingress["spec"]["rules"]] == [host]
    assert [name for tls in ingress["spec"]["tls"] for name in tls["hosts"]] == [host]


def may_reach(overlay: str, labels: dict[str, str]) -> set[int]:
    """The ports that the policies let a pod speak to."""
    ports: set[int] = set()
    for policy in of_kind(overlay, "NetworkPolicy"):
        if selects(policy["spec"]["podSelector"], labels):
            for rule in policy["spec"].get("egress", []):
                for port in rule["ports"]:
                    ports |= set(range(port["port"], port.get("endPort", port["port"]) + 1))
    return ports


def test_everybody_reaches_what_they_need_and_no_more(overlay: str) -> None:
    dns, postgres, redis, traces, mail = {53}, {5432}, {6379}, {4318}, {25, 465, 587}
    kafka = {9092, 9093, 9094}
    expected = {
        "web": dns | postgres | redis | traces,
        "worker": dns | postgres | redis | traces | kafka,
        "migrate": dns | postgres,
        "topics": dns | kafka,
    }
    for name, template in pod_templates(overlay):
        more = mail if name == "Deployment identity-worker" else set()
        assert may_reach(overlay, labels_of(template)) == expected[labels_of(template)[ROLE]] | more, name


def test_nobody_is_reached_unless_a_policy_says_so(overlay: str) -> None:
    refusing = named(overlay, "NetworkPolicy", "deny-by-default")["spec"]
    assert refusing == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for name, template in pod_templates(overlay):
        lets_in = {
            policy["metadata"]["name"]
            for policy in of_kind(overlay, "NetworkPolicy")
            if policy["spec"].get("ingress") and selects(policy["spec"]["podSelector"], labels_of(template))
        }
        expected = {
            "web": {"ingress-to-web", "monitoring-to-processes"},
            "worker": {"monitoring-to-processes"},
        }
        assert lets_in == expected.get(labels_of(template)[ROLE], set()), name


def test_servers_are_reached_on_the_ports_that_the_policies_open(overlay: str) -> None:
    for name, template in pod_templates(overlay):
        given = environment(overlay, template)
        addresses = [given.get("MPP_DATABASE_URL", ""), given.get("MPP_JOBS_URL", ""), given.get("MPP_TRACES_URL", "")]
        if labels_of(template)[ROLE] in ("worker", "topics"):
            addresses += ["kafka://" + broker for broker in given["MPP_BUS_URL"].removeprefix("kafka://").split(",")]
        if labels_of(template)[ROLE] in ("migrate", "topics"):
            addresses = [address for address in addresses if not address.startswith("http")]
        used = {urlsplit(address).port for address in addresses if address}
        assert used <= may_reach(overlay, labels_of(template)), name
