"""What KEDA's resources may say.

Their own definitions are not to be had here: these are the fields that KEDA's documentation lists (2.17), as far as we
use them or might. A field that is not here is refused, whether KEDA knows it or not.
"""

from __future__ import annotations

from typing import Any

TEXTS: dict[str, Any] = {"type": "object", "additionalProperties": {"type": "string"}}
SPECIFICATIONS: dict[str, dict[str, Any]] = {
    "ScaledObject": {
        "type": "object",
        "additionalProperties": False,
        "required": ["scaleTargetRef", "triggers"],
        "properties": {
            "scaleTargetRef": {
                "type": "object",
                "additionalProperties": False,
                "required": ["name"],
                "properties": {
                    "apiVersion": {"type": "string"},
                    "kind": {"type": "string"},
                    "name": {"type": "string"},
                },
            },
            "pollingInterval": {"type": "integer", "minimum": 1},
            "cooldownPeriod": {"type": "integer", "minimum": 0},
            "minReplicaCount": {"type": "integer", "minimum": 0},
            "maxReplicaCount": {"type": "integer", "minimum": 1},
            "fallback": {
                "type": "object",
                "additionalProperties": False,
                "required": ["failureThreshold", "replicas"],
                "properties": {"failureThreshold": {"type": "integer"}, "replicas": {"type": "integer"}},
            },
            "advanced": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "horizontalPodAutoscalerConfig": {
                        "type": "object",
                        "additionalProperties": False,
                        "properties": {"behavior": {"type": "object"}},  # Kubernetes' own: checked as a part of an HPA
                    }
                },
            },
            "triggers": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["type", "metadata"],
                    "properties": {
                        "type": {"const": "kafka"},
                        "metadata": {
                            **TEXTS,
                            "required": ["bootstrapServers", "consumerGroup", "topic"],
                            "propertyNames": {
                                "enum": [
                                    "bootstrapServers",
                                    "consumerGroup",
                                    "topic",
                                    "lagThreshold",
                                    "activationLagThreshold",
                                    "offsetResetPolicy",
                                    "allowIdleConsumers",
                                    "scaleToZeroOnInvalidOffset",
                                    "excludePersistentLag",
                                    "limitToPartitionsWithLag",
                                    "version",
                                    "partitionLimitation",
                                    "sasl",
                                    "tls",
                                    "unsafeSsl",
                                ]
                            },
                            "properties": {"sasl": {"enum": ["none", "plaintext", "scram_sha256", "scram_sha512"]}},
                        },
                        "authenticationRef": {**TEXTS, "required": ["name"]},
                    },
                },
            },
        },
    },
    "TriggerAuthentication": {
        "type": "object",
        "additionalProperties": False,
        "required": ["secretTargetRef"],
        "properties": {
            "secretTargetRef": {"type": "array", "items": {**TEXTS, "required": ["parameter", "name", "key"]}}
        },
    },
}
