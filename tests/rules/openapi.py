"""Every operation of the four services, read from the OpenAPI documents themselves."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from flask import Flask

from tests.house import House


class Operation(NamedTuple):
    service: str
    method: str
    path: str
    doc: dict[str, Any]

    @property
    def roles(self) -> list[str]:
        return list(self.doc.get("x-roles", []))

    @property
    def path_parameters(self) -> list[str]:
        return re.findall(r"{(\w+)}", self.path)

    def url(self, ids: dict[str, str]) -> str:
        return re.sub(r"{(\w+)}", lambda match: ids[match[1]], self.path)

    def body(self, ids: dict[str, str]) -> Any:
        content = self.doc.get("requestBody", {}).get("content", {}).get("application/json")
        return None if content is None else _with_ids(content["example"], ids)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def _with_ids(example: Any, ids: dict[str, str]) -> Any:
    if isinstance(example, dict):
        return {name: ids[name] if name in ids else _with_ids(value, ids) for name, value in example.items()}
    if isinstance(example, list):
        return [_with_ids(item, ids) for item in example]
    return example


def document(app: Flask) -> dict[str, Any]:
    service = app.config["SERVICE"]
    return app.test_client().get(f"/{service}/api/v1/openapi.json").json


def operations(house: House) -> list[Operation]:
    return [
        Operation(service, method.upper(), path, doc)
        for service, app in house.apps.items()
        for path, methods in document(app)["paths"].items()
        for method, doc in methods.items()
        if method != "parameters"
    ]
