"""A stand-in for a metrics adapter: the custom and external metrics APIs over HTTPS, behind the real aggregator.

In: a control plane and the figures to serve. Out: two APIServices that lead here. Only what an autoscaler asks for is
answered; every pod has the same figure.
"""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.controlplane import ControlPlane, arguments
from tests.controlplane.waiting import eventually

Document = dict[str, Any]
GROUPS = {"custom.metrics.k8s.io": "v1beta2", "external.metrics.k8s.io": "v1beta1"}
NAMESPACE, SERVICE = "kube-system", "metrics-stub"
NOW = "2026-11-20T12:00:00Z"


@dataclass(slots=True)
class Queue:
    """How many requests wait at each pod, and which pods there are."""

    pods: Callable[[], list[str]]
    waiting: int = 0

    def answer(self, path: str) -> Document | None:
        """Answer one GET, None for what is not known."""
        parts = path.partition("?")[0].strip("/").split("/")
        if len(parts) < 3 or parts[1] not in GROUPS:
            return None
        version = f"{parts[1]}/{parts[2]}"
        if len(parts) == 3:
            return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": []}
        namespace, metric = parts[4], parts[-1]
        if parts[1].startswith("external"):
            item = {"metricName": metric, "metricLabels": {}, "timestamp": NOW, "value": str(self.total())}
            return {"kind": "ExternalMetricValueList", "apiVersion": version, "metadata": {}, "items": [item]}
        items = [
            {
                "describedObject": {"kind": "Pod", "apiVersion": "v1", "namespace": namespace, "name": name},
                "metric": {"name": metric},
                "timestamp": NOW,
                "value": str(self.waiting),
            }
            for name in self.pods()
        ]
        return {"kind": "MetricValueList", "apiVersion": version, "metadata": {}, "items": items}

    def total(self) -> int:
        """Requests that wait at all pods."""
        return self.waiting * len(self.pods())


@contextmanager
def metrics_api(cluster: ControlPlane, queue: Queue) -> Iterator[None]:
    """Serve the metrics APIs of a control plane until the end of the block."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(queue))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate = arguments.certificate(cluster.directory)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    names = [_register(cluster, group, version, server.server_port) for group, version in GROUPS.items()]
    try:
        eventually(lambda: all(_available(cluster, name) for name in names), 60)
        yield
    finally:
        for name in names:
            cluster.objects.delete("apiregistration.k8s.io/v1", "APIService", name)
        server.shutdown()
        server.server_close()


def _handler(queue: Queue) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            document = queue.answer(self.path)
            body = json.dumps(document or {"kind": "Status", "apiVersion": "v1", "status": "Failure"}).encode()
            self.send_response(200 if document else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_words: object) -> None:
            pass

    return Handler


def _register(cluster: ControlPlane, group: str, version: str, port: int) -> str:
    """Lead a group of the API to this process: a Service that is only a name needs no endpoints."""
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": SERVICE, "namespace": NAMESPACE},
        "spec": {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": port}]},
    }
    cluster.objects.apply(service)
    name = f"{version}.{group}"
    spec = {
        "group": group,
        "version": version,
        "service": {"namespace": NAMESPACE, "name": SERVICE, "port": port},
        "insecureSkipTLSVerify": True,
        "groupPriorityMinimum": 100,
        "versionPriority": 100,
    }
    kind = {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService"}
    cluster.objects.apply({**kind, "metadata": {"name": name}, "spec": spec})
    return name


def _available(cluster: ControlPlane, name: str) -> bool:
    service = cluster.objects.get("apiregistration.k8s.io/v1", "APIService", name)
    conditions = service.get("status", {}).get("conditions", ())
    assert any(item["type"] == "Available" and item["status"] == "True" for item in conditions), conditions
    return True
