"""The one Service of a real-time InferenceDeployment: a stable address in front of all its placements."""

from inferfleet.domain.demand import Demand
from inferfleet.render import labels
from inferfleet.render.manifest import Body, Manifest, manifest
from inferfleet.render.names import HTTP_PORT_NAME

SERVICE_PORT = 80


def service(demand: Demand) -> Manifest:
    """Return the Service: port 80 to the engine's OpenAI-compatible API."""
    body: Body = {
        "metadata": {"name": demand.name, "labels": labels.common(demand)},
        "spec": {
            "type": "ClusterIP",
            "selector": labels.selector(demand),
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
    return manifest("v1", "Service", demand, body)
