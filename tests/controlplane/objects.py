"""Kubernetes objects as plain dictionaries over the real HTTP API: what a test needs, and no more.

In: a kubeconfig (its own credentials, so RBAC applies) and manifests. Out: what the API server answered, or ApiError
with the server's own message. Must not cache objects; only the names of resources are remembered.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

import kubernetes
import urllib3

Manifest = dict[str, Any]

_APPLY = "application/apply-patch+yaml"
_MERGE = "application/merge-patch+json"
STRATEGIC_MERGE = "application/strategic-merge-patch+json"


class ApiError(Exception):
    """The API server refused a request; `status` is the HTTP code, `reason` and `message` are the server's."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message


class NotFoundError(ApiError, LookupError):
    """There is no such object; also a LookupError, so that a wait for an object may just read it."""


@dataclass(slots=True, frozen=True)
class _Resource:
    plural: str
    namespaced: bool


@dataclass(slots=True)
class Objects:
    """Objects of one cluster, seen with the rights of one kubeconfig."""

    kubeconfig: Path
    _server: str = field(init=False)
    _pool: urllib3.PoolManager = field(init=False)
    _headers: dict[str, str] = field(init=False)
    _resources: dict[tuple[str, str], _Resource] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        settings = credentials(self.kubeconfig)
        bearer = settings.auth_settings().get("BearerToken")
        self._server = settings.host
        self._headers = {bearer["key"]: bearer["value"] or ""} if bearer else {}
        self._pool = urllib3.PoolManager(
            maxsize=16, ca_certs=settings.ssl_ca_cert, cert_file=settings.cert_file, key_file=settings.key_file
        )

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: dict[str, str] | None = None,
        content_type: str = "application/json",
        timeout: float = 60.0,
    ) -> Manifest:
        """Send one request and return the decoded answer; `timeout` is in seconds. Raises ApiError from 400 on."""
        response = self._pool.request(
            method,
            f"{self._server}{path}" + (f"?{urlencode(query)}" if query else ""),
            body=None if body is None else json.dumps(body).encode(),
            headers={**self._headers, "content-type": content_type, "accept": "application/json"},
            timeout=timeout,
            retries=False,
        )
        text = response.data.decode()
        if response.status >= 400:
            raise _error(response.status, text)
        return cast("Manifest", json.loads(text)) if text.startswith("{") else {"text": text}

    def path(self, api_version: str, kind: str, namespace: str | None = None, name: str = "") -> str:
        """Return the URL path of a collection, or of one object. Raises LookupError for an unknown kind."""
        resource = self._resource(api_version, kind)
        root = f"/api/{api_version}" if "/" not in api_version else f"/apis/{api_version}"
        scope = f"/namespaces/{namespace}" if resource.namespaced and namespace else ""
        return f"{root}{scope}/{resource.plural}" + (f"/{name}" if name else "")

    def create(self, manifest: Manifest, *, dry_run: bool = False) -> Manifest:
        """Create an object; the server's defaults are in the answer."""
        query = {"fieldManager": "tests", **({"dryRun": "All"} if dry_run else {})}
        return self.request("POST", self._path_of(manifest, named=False), manifest, query=query)

    def apply(self, manifest: Manifest, *, manager: str = "tests", force: bool = True) -> Manifest:
        """Server-side apply an object."""
        query = {"fieldManager": manager, "force": str(force).lower()}
        return self.request("PATCH", self._path_of(manifest), manifest, query=query, content_type=_APPLY)

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Manifest:
        """Read one object."""
        return self.request("GET", self.path(api_version, kind, namespace, name))

    def find(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Manifest | None:
        """Read one object, or None where there is none of that name (or the kind is not served yet)."""
        try:
            return self.get(api_version, kind, name, namespace)
        except LookupError:
            return None

    def list(
        self, api_version: str, kind: str, namespace: str | None = None, *, labels: dict[str, str] | None = None
    ) -> list[Manifest]:
        """Read the objects of a kind, of one namespace or of all, with all the given labels."""
        query = {"labelSelector": ",".join(f"{key}={value}" for key, value in labels.items())} if labels else None
        answer = self.request("GET", self.path(api_version, kind, namespace), query=query)
        return [{"apiVersion": api_version, "kind": kind, **item} for item in answer["items"]]

    def patch(
        self,
        api_version: str,
        kind: str,
        name: str,
        namespace: str | None = None,
        *,
        patch: Manifest,
        subresource: str = "",
    ) -> Manifest:
        """Merge-patch an object, or a subresource of it such as `status` or `scale`."""
        path = self.path(api_version, kind, namespace, name) + (f"/{subresource}" if subresource else "")
        return self.request("PATCH", path, patch, query={"fieldManager": "tests"}, content_type=_MERGE)

    def delete(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> None:
        """Delete an object in the background; one that is already gone is fine, and so is a kind that is."""
        body = {"propagationPolicy": "Background"}
        with contextlib.suppress(LookupError):
            self.request("DELETE", self.path(api_version, kind, namespace, name), body)

    def _path_of(self, manifest: Manifest, *, named: bool = True) -> str:
        metadata = manifest["metadata"]
        namespace = metadata.get("namespace")
        if namespace is None and self._resource(manifest["apiVersion"], manifest["kind"]).namespaced:
            namespace = "default"
        return self.path(manifest["apiVersion"], manifest["kind"], namespace, metadata["name"] if named else "")

    def _resource(self, api_version: str, kind: str) -> _Resource:
        if (api_version, kind) not in self._resources:
            root = f"/api/{api_version}" if "/" not in api_version else f"/apis/{api_version}"
            try:
                served = self.request("GET", root)["resources"]
            except ApiError as error:
                raise LookupError(f"{api_version} is not served: {error}") from error
            for entry in served:
                if "/" not in entry["name"]:
                    self._resources[api_version, entry["kind"]] = _Resource(entry["name"], entry["namespaced"])
        try:
            return self._resources[api_version, kind]
        except KeyError:
            raise LookupError(f"{api_version} has no kind {kind}") from None


def credentials(kubeconfig: Path) -> kubernetes.client.Configuration:
    """Return server, certificates and token of a kubeconfig, also where a plugin has to be run for them."""
    settings = kubernetes.client.Configuration()
    load: Callable[..., None] = kubernetes.config.load_kube_config
    # The certificates become files beside the kubeconfig, and so go with the cluster's directory whatever happens.
    load(str(kubeconfig), client_configuration=settings, temp_file_path=str(kubeconfig.parent))
    return settings


def _error(status: int, text: str) -> ApiError:
    try:
        answer = json.loads(text)
    except ValueError:
        answer = {}
    kind = NotFoundError if status == 404 else ApiError
    return kind(status, answer.get("reason", ""), answer.get("message", text))
