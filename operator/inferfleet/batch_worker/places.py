"""Where the input comes from and where the results go: files, URLs, objects in a store.

In: the arguments. Out: a local file to read, a local file to write, and what to do with it at the end. A file in a
volume is used in place and can be resumed; everything else is copied through the pod's work directory.
"""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import aiohttp

from inferfleet.batch_worker.arguments import Arguments
from inferfleet.batch_worker.engine import Pause
from inferfleet.batch_worker.errors import BadInputError
from inferfleet.batch_worker.results import errors_path
from inferfleet.batch_worker.s3 import EMPTY_SHA256, Store, signed_headers, store
from inferfleet.batch_worker.transfer import Remote

INPUT, OUTPUT = "input", "output"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One side: a local path, or a URL; `bucket` and `key` with their `store` when it is an object."""

    side: str
    path: Path | None = None
    url: str | None = None
    store: Store | None = None
    bucket: str = ""
    key: str = ""


def input_place(arguments: Arguments) -> Place:
    """Understand `--input`; raises `BadInputError` naming the argument."""
    return _place(INPUT, arguments.input, arguments.input_s3_endpoint, arguments.environment)


def output_place(arguments: Arguments) -> Place:
    """Understand `--output`; raises `BadInputError` naming the argument."""
    return _place(OUTPUT, arguments.output, arguments.output_s3_endpoint, arguments.environment)


async def fetch(place: Place, work: Path, session: aiohttp.ClientSession, pause: Pause) -> Path:
    """Return the input as a local file, downloading it where it is elsewhere."""
    if place.path is not None:
        return place.path
    path = work / "input.jsonl"
    url = _url(place, place.key)
    remote = Remote(
        session=session,
        what="the input",
        url=url,
        headers=lambda: _headers("GET", url, place.store, EMPTY_SHA256),
        pause=pause,
    )
    await remote.download(path)
    return path


def local_output(place: Place, work: Path) -> Path:
    """Return the local file that takes the results."""
    return place.path or work / "output.jsonl"


async def deliver(place: Place, output: Path, session: aiohttp.ClientSession, pause: Pause) -> None:
    """Bring finished results where they belong; nothing to do for a volume.

    A store takes the errors file as an object beside the results; a single signed URL takes both in one file, errors
    last, each in OpenAI's format.
    """
    if place.path is not None:
        return
    for path, key in await asyncio.to_thread(_deliveries, place, output):
        url, checksum = _url(place, key), await asyncio.to_thread(_checksum, path)
        remote = Remote(
            session=session,
            what="the results",
            url=url,
            headers=partial(_headers, "PUT", url, place.store, checksum),
            pause=pause,
        )
        await remote.upload(path)


def _deliveries(place: Place, output: Path) -> list[tuple[Path, str]]:
    """List the local files and the keys under which they shall be stored."""
    errors = errors_path(output)
    if place.store is not None:
        names = [(output, place.key), (errors, str(errors_path(PurePosixPath(place.key))))]
        return [(path, key) for path, key in names if path.exists()]
    if errors.exists():
        with output.open("ab") as file:
            file.write(errors.read_bytes())
    return [(output, "")]


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _place(side: str, text: str, endpoint: str | None, environment: Mapping[str, str]) -> Place:
    if text.startswith("env:"):
        name = text.removeprefix("env:")
        if name not in environment:
            raise BadInputError(f"--{side}: the variable {name} is not set; it must hold a URL")
        return _web(side, environment[name].strip(), f"the variable {name}")
    if text.startswith("s3://"):
        parts = urlsplit(text)
        key = text.removeprefix(f"s3://{parts.netloc}/")
        where = store(endpoint, environment, f"BATCH_{side.upper()}")
        if side == OUTPUT and where.credentials is None:
            raise BadInputError("--output: writing to a store needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
        return Place(side=side, store=where, bucket=parts.netloc, key=key)
    if "://" in text:
        return _web(side, text, f"--{side}")
    return Place(side=side, path=Path(text))


def _web(side: str, url: str, what: str) -> Place:
    if urlsplit(url).scheme not in {"http", "https"}:
        raise BadInputError(f"{what} must hold an http or https URL")
    return Place(side=side, url=url)


def _url(place: Place, key: str) -> str:
    if place.store is not None:
        return place.store.url(place.bucket, key)
    assert place.url is not None
    return place.url


def _headers(method: str, url: str, where: Store | None, checksum: str) -> dict[str, str]:
    if where is None:
        return {}
    return signed_headers(method, url, store=where, payload_sha256=checksum, now=datetime.now(UTC))
