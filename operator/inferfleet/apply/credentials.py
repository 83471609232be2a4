"""How to reach the API server and who we are there: a kubeconfig, or the service account of the pod.

In: a kubeconfig path or nothing. Out: server, TLS context and a bearer token that is read again every minute, because
projected tokens are replaced about hourly and exec plug-ins hand out short ones. Loading a kubeconfig is left to the
official client, which knows all its forms. Must not open connections.
"""

import os
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import kubernetes

_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_TOKEN_SECONDS = 60.0


@dataclass(slots=True, kw_only=True)
class Credentials:
    """Server URL, TLS files and the way to a token. `token()` is cheap enough to be called for each request."""

    server: str
    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None
    verify: bool = True
    read_token: Callable[[], str | None] = lambda: None
    _token: str | None = field(init=False, default=None)
    _read_at: float = field(init=False, default=float("-inf"))

    def token(self) -> str | None:
        """Return the current bearer token, None when a client certificate is used."""
        if time.monotonic() >= self._read_at + _TOKEN_SECONDS:
            self._token = self.read_token()
            self._read_at = time.monotonic()
        return self._token

    def forget_token(self) -> None:
        """Read the token again at the next request: the server did not accept it."""
        self._read_at = float("-inf")

    def ssl_context(self) -> ssl.SSLContext | None:
        """Return the TLS settings, None for plain HTTP."""
        if not self.server.startswith("https"):
            return None
        context = ssl.create_default_context(cafile=self.ca_file)
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.certificate_file:
            context.load_cert_chain(self.certificate_file, self.key_file)
        return context


def load_credentials(kubeconfig: Path | None, *, context: str | None = None) -> Credentials:
    """Return the credentials of a kubeconfig (its current context, or a named one), or of the pod of this process.

    Raises kubernetes.config.ConfigException when there are none, FileNotFoundError for a kubeconfig that is missing.
    """
    if kubeconfig is not None:
        if not kubeconfig.is_file():
            raise FileNotFoundError(f"KUBECONFIG={kubeconfig}: no such file")
        return _from_kubeconfig(kubeconfig, context)
    return _from_service_account()


def _from_kubeconfig(path: Path, context: str | None) -> Credentials:
    settings = kubernetes.client.Configuration()
    load: Callable[..., None] = kubernetes.config.load_kube_config
    load(str(path), context=context, client_configuration=settings)

    def read_token() -> str | None:
        # The client's name for it changed with version 35; calling this also renews what an exec plug-in handed out.
        header = settings.get_api_key_with_prefix("BearerToken", alias="authorization")
        return str(header).removeprefix("Bearer ") if header else None

    return Credentials(
        server=settings.host,
        ca_file=settings.ssl_ca_cert,
        certificate_file=settings.cert_file,
        key_file=settings.key_file,
        verify=settings.verify_ssl,
        read_token=read_token,
    )


def _from_service_account() -> Credentials:
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    token_file = _SERVICE_ACCOUNT / "token"
    if not host or not token_file.is_file():
        raise kubernetes.config.ConfigException(
            "no cluster: KUBECONFIG is not set and this process does not run in a pod with a service account"
        )
    authority = f"[{host}]" if ":" in host else host
    return Credentials(
        server=f"https://{authority}:{port}",
        ca_file=str(_SERVICE_ACCOUNT / "ca.crt"),
        read_token=lambda: token_file.read_text().strip(),
    )
