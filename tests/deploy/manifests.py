"""deploy/k8s as the cluster gets it: an overlay, put together by kustomize itself."""

from __future__ import annotations

import functools
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import yaml

from tests.deploy.commands import ROOT
from tests.servers.plugin import refuse

FOLDER = ROOT / "deploy" / "k8s"
OVERLAYS = ("small", "production")
MISSING = "kustomize is not installed: install kubectl, which has it (or kustomize itself)."
Document = dict[str, Any]


@functools.cache
def built(overlay: str) -> list[Document]:
    """Every document of an overlay."""
    for program in (["kustomize", "build"], ["kubectl", "kustomize"]):
        if shutil.which(program[0]):
            folder = FOLDER / "overlays" / overlay
            done = subprocess.run([*program, str(folder)], capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            return list(yaml.safe_load_all(done.stdout))
    refuse(MISSING)
    return []


def of_kind(overlay: str, *kinds: str) -> list[Document]:
    """The documents of some kinds."""
    return [document for document in built(overlay) if document["kind"] in kinds]


def named(overlay: str, kind: str, name: str) -> Document:
    """The one document of that kind and name."""
    (found,) = (document for document in of_kind(overlay, kind) if document["metadata"]["name"] == name)
    return found


def title(document: Document) -> str:
    """What to call a document in a message."""
    return f"{document['kind']} {document['metadata']['name']}"


def pod_templates(overlay: str) -> list[tuple[str, Document]]:
    """What is run, with its title."""
    return [(title(document), document["spec"]["template"]) for document in of_kind(overlay, "Deployment", "Job")]


def container(template: Document) -> Document:
    """The only container of a pod."""
    (only,) = template["spec"]["containers"]
    found: Document = only
    return found


def environment(overlay: str, template: Document) -> dict[str, str]:
    """A container's variables: of its settings the values, of its secrets what secrets.example.yaml says."""
    found: dict[str, str] = {}
    for source in container(template).get("envFrom", []):
        found |= named(overlay, "ConfigMap", source["configMapRef"]["name"])["data"]
    for variable in container(template).get("env", []):
        reference = variable["valueFrom"]["secretKeyRef"]
        found[variable["name"]] = documented_secrets()[reference["name"]][reference["key"]]
    return found


@functools.cache
def documented_secrets() -> dict[str, dict[str, str]]:
    """The keys of every Secret that an operator is told to make."""
    documents = yaml.safe_load_all((FOLDER / "secrets.example.yaml").read_text(encoding="utf-8"))
    return {document["metadata"]["name"]: document["stringData"] for document in documents}


def secret_references(node: Any) -> Iterator[tuple[str, str]]:
    """The (secret, key) pairs below a node, whichever way they are referred to."""
    if isinstance(node, dict):
        if "secretKeyRef" in node:
            yield node["secretKeyRef"]["name"], node["secretKeyRef"]["key"]
        if "secretName" in node and "items" in node:
            yield from ((node["secretName"], item["key"]) for item in node["items"])
        for reference in node.get("secretTargetRef", []):
            yield reference["name"], reference["key"]
        for value in node.values():
            yield from secret_references(value)
    elif isinstance(node, list):
        for value in node:
            yield from secret_references(value)


def selects(selector: Document, labels: dict[str, str]) -> bool:
    """Whether a label selector fits: an empty one fits everything."""
    for name, value in selector.get("matchLabels", {}).items():
        if labels.get(name) != value:
            return False
    for expression in selector.get("matchExpressions", []):
        assert expression["operator"] == "In", "the only operator in use"
        if labels.get(expression["key"]) not in expression["values"]:
            return False
    return True
