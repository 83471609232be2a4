"""Requests to S3 and compatible stores, signed without a client library.

In: bucket, key, endpoint, credentials, the time. Out: a URL and headers. This is AWS Signature Version 4 (AWS
documentation, "Create a signed AWS API request"), path style, whole objects only: a single PUT holds at most 5 GB.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote, urlsplit

EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
DEFAULT_REGION = "us-east-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """An access key; `token` belongs to temporary ones."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """Where objects live. `credentials` None: requests are anonymous."""

    endpoint: str
    region: str
    credentials: Credentials | None

    def url(self, bucket: str, key: str) -> str:
        """Return the object's address, path style, percent-encoded once."""
        return f"{self.endpoint.rstrip('/')}/{bucket}/{quote(key, safe='/~')}"


def store(endpoint: str | None, environment: Mapping[str, str], prefix: str) -> Store:
    """Build a store from variables `PREFIX_AWS_ACCESS_KEY_ID` and so on; without an endpoint it is AWS itself."""
    region = environment.get(f"{prefix}_AWS_REGION") or DEFAULT_REGION
    key_id = environment.get(f"{prefix}_AWS_ACCESS_KEY_ID")
    secret = environment.get(f"{prefix}_AWS_SECRET_ACCESS_KEY")
    token = environment.get(f"{prefix}_AWS_SESSION_TOKEN")
    return Store(
        endpoint=endpoint or f"https://s3.{region}.amazonaws.com",
        region=region,
        credentials=Credentials(access_key_id=key_id, secret_access_key=secret, token=token)
        if key_id and secret
        else None,
    )


def signed_headers(
    method: str,
    url: str,
    *,
    store: Store,
    payload_sha256: str,
    now: datetime,
    headers: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return the headers that make a request acceptable to the store; `now` is in UTC.

    `headers` are further headers that shall be signed. Anonymous stores get only the checksum.
    """
    stamp = now.strftime("%Y%m%dT%H%M%SZ")
    parts = urlsplit(url)
    wanted = {**(headers or {}), "host": parts.netloc, "x-amz-content-sha256": payload_sha256, "x-amz-date": stamp}
    credentials = store.credentials
    if credentials is None:
        return {"x-amz-content-sha256": payload_sha256}
    if credentials.token:
        wanted["x-amz-security-token"] = credentials.token
    names = ";".join(sorted(name.lower() for name in wanted))
    lines = sorted(f"{name.lower()}:{value.strip()}" for name, value in wanted.items())
    canonical = "\n".join((method, parts.path or "/", parts.query, *lines, "", names, payload_sha256))
    scope = f"{stamp[:8]}/{store.region}/s3/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    signature = _signature(credentials.secret_access_key, scope, f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}")
    authorization = (
        f"AWS4-HMAC-SHA256 Credential={credentials.access_key_id}/{scope},SignedHeaders={names},Signature={signature}"
    )
    return {**{name: value for name, value in wanted.items() if name != "host"}, "Authorization": authorization}


def _signature(secret: str, scope: str, text: str) -> str:
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex()
