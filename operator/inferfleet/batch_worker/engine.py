"""The engine beside the worker: is it up, and what does it answer to one line.

In: requests. Out: answers or quarantined lines. Trouble that passes is retried here; trouble of the line itself is
quarantined; trouble of the engine ends the run with `OutsideError`, because lines must not be blamed for it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import aiohttp
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random_exponential

from inferfleet.batch_worker.errors import BadInputError, EngineLostError, OutsideError
from inferfleet.batch_worker.lines import Request
from inferfleet.batch_worker.results import Answer, Quarantined

ATTEMPTS = 6
LOSSES = 3
LONGEST_PAUSE_SECONDS = 30.0
POLL_SECONDS = 1.0
# One answer may take as long as its generation; only silence on an open connection for an hour counts as lost.
TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=3600)
_HEALTH_TIMEOUT = aiohttp.ClientTimeout(total=10)
# Request timeout, too many requests (RFC 9110, RFC 6585); everything from 500 on may pass.
_PASSING = frozenset({408, 429})
_KEY_REFUSED = frozenset({401, 403})
_LONGEST_REASON = 1000

Pause = Callable[[float], Awaitable[None]]


class _LostError(Exception):
    """The connection failed or broke: the engine is restarting, or gone."""


@dataclass(slots=True)
class _FailedError(Exception):
    """The engine answered with a status that may pass."""

    status: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """One engine over HTTP. `pause` waits a number of seconds and is replaced in tests."""

    session: aiohttp.ClientSession
    url: str
    api_key: str | None = field(default=None, repr=False)
    wait_seconds: int = 3600
    pause: Pause = asyncio.sleep

    async def wait_until_ready(self) -> None:
        """Wait until `/health` answers 200. Raises `OutsideError` after about `wait_seconds`."""
        for _ in range(max(1, int(self.wait_seconds / POLL_SECONDS))):
            if await self._healthy():
                return
            await self.pause(POLL_SECONDS)
        raise OutsideError(f"the engine was not ready within {self.wait_seconds} s")

    async def answer(self, request: Request) -> Answer | Quarantined:
        """Send one line until it is answered or refused for good.

        Raises `EngineLostError` when the engine went away under this line again and again, `OutsideError` when it did
        not come back, `BadInputError` when it does not accept the API key.
        """
        retrying = AsyncRetrying(
            retry=retry_if_exception_type((_LostError, _FailedError)),
            wait=wait_random_exponential(multiplier=0.5, max=LONGEST_PAUSE_SECONDS),
            stop=_enough,
            sleep=self.pause,
            reraise=True,
        )
        try:
            return await retrying(self._send, request)
        except _LostError as error:
            raise EngineLostError(f"the engine went away {LOSSES} times under line {request.number}") from error
        except _FailedError as error:
            return _refused(request, error.status, error.reason)

    async def _send(self, request: Request) -> Answer | Quarantined:
        headers = {"Content-Type": "application/json"}
        if self.api_key is not None:
            headers["Authorization"] = f"Bearer {self.api_key}"
        try:
            async with self.session.post(self.url + request.url, data=request.body, headers=headers) as response:
                body = await response.read()
                status, request_id = response.status, response.headers.get("x-request-id", "")
        except (aiohttp.ClientError, TimeoutError) as error:
            await self.wait_until_ready()
            raise _LostError from error
        if status in _KEY_REFUSED:
            raise BadInputError("the engine refused the API key; check spec.engine.apiKeySecretRef")
        if status in _PASSING or status >= 500:
            raise _FailedError(status, body.decode(errors="replace"))
        if status >= 400:
            return _refused(request, status, body.decode(errors="replace"))
        return Answer(
            number=request.number, custom_id=request.custom_id, status=status, request_id=request_id, body=body.strip()
        )

    async def _healthy(self) -> bool:
        try:
            async with self.session.get(f"{self.url}/health", timeout=_HEALTH_TIMEOUT) as response:
                return response.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False


def _enough(state: RetryCallState) -> bool:
    """Stop earlier when the engine is lost than when it answers with trouble: each loss costs a model load."""
    assert state.outcome is not None
    lost = isinstance(state.outcome.exception(), _LostError)
    return state.attempt_number >= (LOSSES if lost else ATTEMPTS)


def _refused(request: Request, status: int, reason: str) -> Quarantined:
    return Quarantined(
        number=request.number,
        custom_id=request.custom_id,
        code="engine_refused" if status < 500 else "engine_failed",
        message=f"status {status}: {reason[:_LONGEST_REASON]}",
        status=status,
    )
