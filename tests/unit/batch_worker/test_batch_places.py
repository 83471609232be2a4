"""Input and output over HTTP: plain URLs, signed URLs in variables, S3 with signatures."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from inferfleet.batch_worker.s3 import EMPTY_SHA256, Credentials, Store, signed_headers, store
from inferfleet.domain.exit_codes import BAD_INPUT, DONE, TRY_AGAIN
from tests.unit.batch_worker.conftest import Batch, line

INPUT = line("a") + b"bad\n" + line("b")
KEYS = {"BATCH_OUTPUT_AWS_ACCESS_KEY_ID": "AKID", "BATCH_OUTPUT_AWS_SECRET_ACCESS_KEY": "hidden"}


@dataclass(slots=True)
class StubStore:
    """Serves INPUT on GET, keeps what is PUT; `statuses` come first, one per request."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    kept: dict[str, bytes] = field(default_factory=dict)
    authorizations: list[str | None] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        self.authorizations.append(request.headers.get("Authorization"))
        status = self.statuses.pop(0) if self.statuses else 200
        if status != 200:
            return web.Response(status=status)
        if request.method == "PUT":
            self.kept[request.path] = await request.read()
        return web.Response(body=INPUT)


@pytest.fixture
async def remote() -> AsyncIterator[StubStore]:
    stub = StubStore()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", stub.handle)
    async with TestServer(application) as server:
        stub.url = str(server.make_url("")).rstrip("/")
        yield stub


async def test_input_is_read_from_a_url(batch: Batch, remote: StubStore) -> None:
    assert await batch.worker(input=f"{remote.url}/in.jsonl").work() == DONE
    assert batch.answered() == ["id-a", "id-b"]


async def test_a_download_that_fails_is_tried_again(batch: Batch, remote: StubStore) -> None:
    remote.statuses = [503, 429]
    assert await batch.worker(input=f"{remote.url}/in.jsonl").work() == DONE


async def test_a_store_that_stays_away_is_no_fault_of_the_input(batch: Batch, remote: StubStore) -> None:
    remote.statuses = [503] * 20
    assert await batch.worker(input=f"{remote.url}/in.jsonl").work() == TRY_AGAIN


async def test_an_expired_address_ends_the_job_and_is_not_shown(batch: Batch, remote: StubStore) -> None:
    remote.statuses = [403]
    url = f"{remote.url}/in.jsonl?signature=secret"
    assert await batch.worker(input="env:BATCH_INPUT_URL", environment={"BATCH_INPUT_URL": url}).work() == BAD_INPUT
    assert batch.termination_message["message"] == (
        "the input could not be read: status 403; check address, rights and expiry"
    )


async def test_results_go_to_a_signed_url_in_one_file_with_errors_last(batch: Batch, remote: StubStore) -> None:
    batch.input.write_bytes(INPUT)
    environment = {"BATCH_OUTPUT_URL": f"{remote.url}/results"}
    assert await batch.worker(output="env:BATCH_OUTPUT_URL", environment=environment).work() == DONE
    stored = remote.kept["/results"].splitlines()
    assert [b'"line-1"' in stored[0], b'"line-3"' in stored[1], b'"line-2"' in stored[2]] == [True, True, True]


async def test_results_and_errors_become_two_objects_in_a_store(batch: Batch, remote: StubStore) -> None:
    batch.input.write_bytes(INPUT)
    worker = batch.worker(output="s3://bucket/run/out.jsonl", output_s3_endpoint=remote.url, environment=KEYS)
    assert await worker.work() == DONE
    assert sorted(remote.kept) == ["/bucket/run/out.errors.jsonl", "/bucket/run/out.jsonl"]


async def test_requests_to_a_store_are_signed(batch: Batch, remote: StubStore) -> None:
    batch.input.write_bytes(INPUT)
    await batch.worker(output="s3://bucket/out.jsonl", output_s3_endpoint=remote.url, environment=KEYS).work()
    assert all(value and value.startswith("AWS4-HMAC-SHA256 Credential=AKID/") for value in remote.authorizations)


async def test_writing_to_a_store_without_credentials_is_refused_by_name(batch: Batch, remote: StubStore) -> None:
    batch.input.write_bytes(INPUT)
    assert await batch.worker(output="s3://bucket/out.jsonl", output_s3_endpoint=remote.url).work() == BAD_INPUT
    assert "AWS_ACCESS_KEY_ID" in batch.termination_message["message"]


@pytest.mark.parametrize(
    ("place", "environment", "message"),
    [
        ("env:NOWHERE", {}, "--input: the variable NOWHERE is not set; it must hold a URL"),
        ("env:URL", {"URL": "ftp://example.org/x"}, "the variable URL must hold an http or https URL"),
    ],
)
async def test_an_input_that_cannot_be_understood_is_named(
    batch: Batch, place: str, environment: dict[str, str], message: str
) -> None:
    assert await batch.worker(input=place, environment=environment).work() == BAD_INPUT
    assert batch.termination_message["message"] == message


def test_the_signature_is_that_of_the_published_example() -> None:
    """AWS documentation, "Authenticating Requests: Using the Authorization Header", example GET Object."""
    example = Store(
        endpoint="https://examplebucket.s3.amazonaws.com",
        region="us-east-1",
        credentials=Credentials(
            access_key_id="AKIAIOSFODNN7EXAMPLE", secret_access_key="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
        ),
    )
    headers = signed_headers(
        "GET",
        "https://examplebucket.s3.amazonaws.com/test.txt",
        store=example,
        payload_sha256=EMPTY_SHA256,
        now=datetime(2013, 5, 24, tzinfo=UTC),
        headers={"range": "bytes=0-9"},
    )
    assert headers["Authorization"].endswith(
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    )


def test_without_an_endpoint_the_store_is_aws_in_the_secrets_region() -> None:
    assert store(None, {"BATCH_INPUT_AWS_REGION": "eu-west-1"}, "BATCH_INPUT").url("b", "a b/c") == (
        "https://s3.eu-west-1.amazonaws.com/b/a%20b/c"
    )
