"""The one Service of a real-time InferenceDeployment: a stable address in front of all its placements."""

from inferfleet.domain.owner import Owner
from inferfleet.render import labels
from inferfleet.render.labels import Component
from inferfleet.render.manifest import Body, Manifest, manifest
from inferfleet.render.names import HTTP_PORT_NAME

SERVICE_PORT = 80


def service(owner: Owner) -> Manifest:
    """Return the Service: port 80 to the engine's OpenAI-compatible API."""
    body: Body = {
        "metadata": {"name": owner.name, "labels": labels.common(owner, Component.ENGINE)},
        "spec": {
            "type": "ClusterIP",
            "selector": labels.selector(owner),
            "ports": [
                {
                    "name": HTTP_PORT_NAME,
                    "port": SERVICE_PORT,
                    "targetPort": HTTP_PORT_NAME,
                    "protocol": "TCP",
                    "appProtocol": "http",
                }
            ],
        },
    }
    return manifest("v1", "Service", owner, body)
