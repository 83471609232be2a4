"""Whole files in and out over HTTP, retried while it can help.

In: a URL with headers, a local file. Out: the file, or the object on the other side. Addresses never appear in
messages: a signed URL is a secret.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential
from yarl import URL

from inferfleet.batch_worker.engine import Pause
from inferfleet.batch_worker.errors import BadInputError, OutsideError

ATTEMPTS = 5
LONGEST_PAUSE_SECONDS = 30.0
CHUNK_BYTES = 1024 * 1024
TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=300)
_PASSING = (OutsideError, aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """One file on the other side.

    `what` names it in messages. `headers` is asked anew for every attempt, because signatures grow old. `pause` waits
    a number of seconds and is replaced in tests.
    """

    session: aiohttp.ClientSession
    what: str
    url: str = field(repr=False)
    headers: Callable[[], Mapping[str, str]]
    pause: Pause

    @property
    def _address(self) -> URL:
        """The address as it was given: requoting it could break a signature."""
        return URL(self.url, encoded=self.url.isascii())

    async def download(self, path: Path) -> None:
        """Fetch the file. Raises `BadInputError` when it is refused, `OutsideError` when it could not be reached."""

        async def attempt() -> None:
            async with self.session.get(self._address, headers=self.headers(), timeout=TIMEOUT) as response:
                self._check(response.status, "read")
                with path.open("wb") as file:
                    async for chunk in response.content.iter_chunked(CHUNK_BYTES):
                        await asyncio.to_thread(file.write, chunk)

        await self._retried(attempt, "read")

    async def upload(self, path: Path) -> None:
        """Store the file with PUT; raises like `download`."""
        size = (await asyncio.to_thread(path.stat)).st_size

        async def attempt() -> None:
            headers = {**self.headers(), "Content-Length": str(size)}
            async with self.session.put(
                self._address, headers=headers, data=_chunks(path), timeout=TIMEOUT
            ) as response:
                self._check(response.status, "written")

        await self._retried(attempt, "written")

    def _check(self, status: int, done: str) -> None:
        if status >= 500 or status in {408, 429}:
            raise OutsideError(f"{self.what} could not be {done}: status {status}")
        if status >= 300:
            raise BadInputError(f"{self.what} could not be {done}: status {status}; check address, rights and expiry")

    async def _retried(self, attempt: Callable[[], Awaitable[None]], done: str) -> None:
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(_PASSING),
            wait=wait_random_exponential(multiplier=1, max=LONGEST_PAUSE_SECONDS),
            stop=stop_after_attempt(ATTEMPTS),
            sleep=self.pause,
            reraise=True,
        )
        try:
            await retrying(attempt)
        except aiohttp.InvalidURL as error:
            raise BadInputError(f"{self.what}: the address is not a URL") from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise OutsideError(f"{self.what} could not be {done}: {type(error).__name__}") from error


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
            yield chunk
