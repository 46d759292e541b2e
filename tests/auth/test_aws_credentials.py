"""Credentials of botocore's chain: loaded once for all waiters, renewed in time, and shown nowhere."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import botocore.credentials
import botocore.exceptions
import httpx
import pytest

from alexa_props.auth.aws_credentials import AWSCredentials
from alexa_props.auth.sigv4 import SigV4
from alexa_props.errors import AuthenticationError, ConfigurationError
from tests.secrets.leaks import everything

URL = "https://a4b.us-east-1.amazonaws.com/"
START = datetime(2018, 4, 26, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


EVERY_BACKEND = pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
"""For what threads, cancellation and locks do."""


@pytest.fixture(autouse=True)
def _nothing_configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("BOTO_CONFIG", str(tmp_path / "boto"))


class Source:
    """A botocore session whose credentials are valid for an hour. It counts how often it was asked."""

    def __init__(self) -> None:
        self.now = START
        self.asked = self.refreshed = 0
        self.failure: Exception | None = None
        self.open = threading.Event()
        self.open.set()
        self.entered = threading.Event()

    def get_credentials(self) -> Any:
        self.asked += 1
        return botocore.credentials.RefreshableCredentials(
            "key0", "secret0", "token0", START, self.refresh, "fake", time_fetcher=lambda: self.now
        )

    def refresh(self) -> dict[str, str]:
        self.refreshed += 1
        self.entered.set()
        assert self.open.wait(30)
        if self.failure is not None:
            raise self.failure
        n = self.refreshed
        expiry = (self.now + HOUR).isoformat()
        return {"access_key": f"key{n}", "secret_key": f"secret{n}", "token": f"token{n}", "expiry_time": expiry}

    async def wait_until_entered(self) -> None:
        await anyio.to_thread.run_sync(self.entered.wait)


async def signed(auth: httpx.Auth) -> httpx.Request:
    request = httpx.Request("POST", URL, content=b"{}")
    flow = auth.async_auth_flow(request)
    assert await anext(flow) is request
    await flow.aclose()
    return request


async def key_of(auth: httpx.Auth) -> str:
    credential: str = (await signed(auth)).headers["Authorization"].partition("Credential=")[2]
    return credential.partition("/")[0]


async def test_signs_with_keys_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "env-secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "env-token")
    theirs = await signed(AWSCredentials(region="eu-west-1"))
    now = datetime.strptime(theirs.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    ours = httpx.Request("POST", URL, content=b"{}")
    SigV4(
        access_key="AKIDENV",
        secret_key="env-secret",
        session_token="env-token",
        region="eu-west-1",
        clock=lambda: now,
    ).sign(ours)
    assert theirs.headers == ours.headers


async def test_signs_with_keys_from_a_profile(tmp_path: Path) -> None:
    await anyio.Path(tmp_path / "credentials").write_text(
        "[default]\naws_access_key_id = AKIDDEFAULT\naws_secret_access_key = a\n"
        "[hotel]\naws_access_key_id = AKIDHOTEL\naws_secret_access_key = b\n"
    )
    assert await key_of(AWSCredentials()) == "AKIDDEFAULT"
    assert await key_of(AWSCredentials(profile="hotel")) == "AKIDHOTEL"


async def test_the_environment_names_the_profile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    await anyio.Path(tmp_path / "config").write_text(
        "[profile hotel]\naws_access_key_id = AKIDHOTEL\naws_secret_access_key = b\nregion = eu-north-1\n"
    )
    monkeypatch.setenv("AWS_PROFILE", "hotel")
    request = await signed(AWSCredentials(service="a4b"))
    # The region is the host's: the client says where it calls, not the profile.
    assert "Credential=AKIDHOTEL/" in request.headers["Authorization"]
    assert "/us-east-1/a4b/" in request.headers["Authorization"]


async def test_no_credentials_anywhere_says_where_it_looked() -> None:
    with pytest.raises(
        ConfigurationError, match=r"no AWS credentials found .*AWS_ACCESS_KEY_ID.*files.*SSO.*roles: set up"
    ):
        await signed(AWSCredentials())


async def test_credentials_that_appear_later_are_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    auth = AWSCredentials()
    with pytest.raises(ConfigurationError):
        await signed(auth)
    await anyio.Path(tmp_path / "credentials").write_text(
        "[default]\naws_access_key_id = AKIDLATER\naws_secret_access_key = a\n"
    )
    assert await key_of(auth) == "AKIDLATER"


async def test_a_missing_profile_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AuthenticationError, match=r"profile 'hotel'.*ProfileNotFound: .*hotel"):
        await signed(AWSCredentials(profile="hotel"))
    monkeypatch.setenv("AWS_PROFILE", "resort")
    with pytest.raises(AuthenticationError, match=r"profile 'resort'"):
        await signed(AWSCredentials())


async def test_half_a_pair_of_keys_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDENV")
    with pytest.raises(AuthenticationError, match=r"PartialCredentialsError.*AWS_SECRET_ACCESS_KEY"):
        await signed(AWSCredentials())


async def test_keys_that_cannot_be_signed_with_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter 2")
    with pytest.raises(AuthenticationError, match="secret_key must be") as caught:
        await signed(AWSCredentials())
    assert "hunter" not in everything(caught.value)


FAILURES: dict[str, Exception] = {
    "CredentialRetrievalError": botocore.exceptions.CredentialRetrievalError(
        provider="custom-process", error_msg="hunter2"
    ),
    "ClientError SignatureDoesNotMatch": botocore.exceptions.ClientError(
        {"Error": {"Code": "SignatureDoesNotMatch", "Message": "x-amz-security-token:hunter2"}}, "AssumeRole"
    ),
    "ClientError": botocore.exceptions.ClientError({"Error": {"Code": "quoted:hunter2"}}, "AssumeRole"),
    "ValueError": ValueError("Expecting value: hunter2"),
    "KeyError": KeyError("hunter2"),
    "OSError": OSError("hunter2"),
}


async def test_a_source_that_fails_is_reported_without_its_secrets() -> None:
    for reported, failure in FAILURES.items():
        source = Source()
        source.failure = failure
        with pytest.raises(AuthenticationError, match=f"loading AWS credentials failed .*: {reported}$") as caught:
            await signed(AWSCredentials(session=source))
        assert "hunter2" not in everything(caught.value)
        assert caught.value.__cause__ is caught.value.__context__ is None


async def test_an_unexpected_error_of_a_source_is_raised_and_blocks_no_later_request() -> None:
    source = Source()
    source.failure = ZeroDivisionError()
    auth = AWSCredentials(session=source)
    with pytest.raises(ZeroDivisionError):
        await signed(auth)
    source.failure = None
    assert await key_of(auth) == "key2"


@EVERY_BACKEND
async def test_fifty_waiters_share_one_refresh() -> None:
    source = Source()
    auth = AWSCredentials(session=source)
    keys: list[str] = []

    async def sign() -> None:
        keys.append(await key_of(auth))

    for round_ in (1, 2):
        source.now += HOUR
        keys.clear()
        async with anyio.create_task_group() as tasks:
            for _ in range(50):
                tasks.start_soon(sign)
        assert keys == [f"key{round_}"] * 50
        assert source.refreshed == round_
    assert source.asked == 1


async def test_fifty_waiters_share_one_failure() -> None:
    source = Source()
    source.failure = OSError()
    auth = AWSCredentials(session=source)
    errors: list[AuthenticationError] = []

    async def sign() -> None:
        with pytest.raises(AuthenticationError) as caught:
            await signed(auth)
        errors.append(caught.value)

    async with anyio.create_task_group() as tasks:
        for _ in range(50):
            tasks.start_soon(sign)
    assert source.refreshed == 1
    # One exception raised in many tasks would collect the tracebacks of all.
    assert len({id(error) for error in errors}) == 50
    source.failure = None
    assert await key_of(auth) == "key2"


async def test_fresh_credentials_use_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source()
    auth = AWSCredentials(session=source)
    assert await key_of(auth) == "key1"
    monkeypatch.setattr(anyio.to_thread, "run_sync", None)
    source.now += timedelta(minutes=44)
    assert await key_of(auth) == "key1"


async def test_keys_that_do_not_expire_are_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "env-secret")
    auth = AWSCredentials()
    await signed(auth)
    monkeypatch.setattr(anyio.to_thread, "run_sync", None)
    assert await key_of(auth) == "AKIDENV"


async def test_a_slow_source_does_not_block_the_event_loop() -> None:
    source = Source()
    source.open.clear()
    auth = AWSCredentials(session=source)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(signed, auth)
        await source.wait_until_entered()
        source.open.set()


async def test_early_renewal_delays_one_request_only() -> None:
    source = Source()
    auth = AWSCredentials(session=source)
    await signed(auth)
    source.now += timedelta(minutes=48)
    source.open.clear()
    source.entered.clear()
    keys: list[str] = []

    async def sign() -> None:
        keys.append(await key_of(auth))

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(sign)
        await source.wait_until_entered()
        assert await key_of(auth) == "key1"
        await anyio.wait_all_tasks_blocked()
        assert keys == ["key1", "key1"]
        source.open.set()
    assert keys == ["key1", "key1", "key2"]
    assert source.refreshed == 2


async def test_late_renewal_is_waited_for() -> None:
    source = Source()
    auth = AWSCredentials(session=source)
    await signed(auth)
    source.now += timedelta(minutes=52)
    source.open.clear()
    source.entered.clear()
    keys: list[str] = []

    async def sign() -> None:
        keys.append(await key_of(auth))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(sign)
        await source.wait_until_entered()
        tasks.start_soon(sign)
        await anyio.wait_all_tasks_blocked()
        assert keys == []
        source.open.set()
    assert keys == ["key2", "key2"]


async def test_an_early_renewal_that_fails_is_not_tried_at_every_request() -> None:
    source = Source()
    auth = AWSCredentials(session=source)
    await signed(auth)
    source.now += timedelta(minutes=48)
    source.failure = OSError()
    for _ in range(5):
        assert await key_of(auth) == "key1"
    assert source.refreshed == 2
    # As if ten seconds had passed.
    auth._not_before = time.monotonic()
    assert await key_of(auth) == "key1"
    assert source.refreshed == 3
    # Shortly before they expire, every request tries.
    source.now += timedelta(minutes=4)
    with pytest.raises(AuthenticationError, match="OSError"):
        await signed(auth)
    source.failure = None
    assert await key_of(auth) == "key5"


@EVERY_BACKEND
async def test_the_first_waiter_may_be_cancelled() -> None:
    source = Source()
    source.open.clear()
    auth = AWSCredentials(session=source)
    keys: list[str] = []

    async def sign() -> None:
        keys.append(await key_of(auth))

    async def lead() -> None:
        with leader:
            await signed(auth)
        left.set()

    leader, left = anyio.CancelScope(), anyio.Event()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lead)
        await source.wait_until_entered()
        for _ in range(3):
            tasks.start_soon(sign)
        await anyio.wait_all_tasks_blocked()
        leader.cancel()
        # Immediately, not after the source.
        with anyio.fail_after(10):
            await left.wait()
        await anyio.wait_all_tasks_blocked()
        assert keys == []
        source.open.set()
    assert keys == ["key1"] * 3
    assert source.refreshed == source.asked == 1


@EVERY_BACKEND
async def test_cancelled_waiters_leave_no_threads_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source()
    source.open.clear()
    auth = AWSCredentials(session=source)
    inside = 0
    change = threading.Condition()
    run_round = auth._round

    def counted(seen: int, gone: threading.Event) -> None:
        nonlocal inside
        with change:
            inside += 1
        try:
            run_round(seen, gone)
        finally:
            with change:
                inside -= 1
                change.notify_all()

    monkeypatch.setattr(auth, "_round", counted)
    for _ in range(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(signed, auth)
            await source.wait_until_entered()
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()

    def only_the_first_is_left() -> bool:
        with change:
            return change.wait_for(lambda: inside == 1, 10)

    assert await anyio.to_thread.run_sync(only_the_first_is_left)
    source.open.set()
    assert await key_of(auth) == "key1"
    assert source.refreshed == 1


async def test_all_waiters_may_be_cancelled() -> None:
    source = Source()
    source.open.clear()
    auth = AWSCredentials(session=source)
    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(signed, auth)
        await source.wait_until_entered()
        tasks.cancel_scope.cancel()
    source.open.set()
    assert await key_of(auth) == "key1"
    assert source.refreshed == 1


def test_works_on_a_later_event_loop() -> None:
    source = Source()
    auth = AWSCredentials(session=source)

    async def fleet() -> list[str]:
        return await asyncio.gather(*[key_of(auth) for _ in range(5)])

    for n in (1, 2):
        source.now += HOUR
        assert asyncio.run(fleet()) == [f"key{n}"] * 5


def test_works_on_a_later_event_loop_when_the_first_died_asking() -> None:
    source = Source()
    source.open.clear()
    auth = AWSCredentials(session=source)

    async def give_up() -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(2):
                tasks.start_soon(signed, auth)
            await source.wait_until_entered()
            tasks.cancel_scope.cancel()

    async def go_on() -> str:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(signed, auth)
            await anyio.wait_all_tasks_blocked()
            source.open.set()
        return await key_of(auth)

    asyncio.run(give_up())
    assert asyncio.run(go_on()) == "key1"
    assert source.refreshed == 1


async def test_works_in_an_httpx_client() -> None:
    auth = AWSCredentials(session=Source())

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"token": request.headers["X-Amz-Security-Token"]})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), auth=auth) as client:
        assert (await client.post(URL, json={})).json() == {"token": "token1"}


def test_a_sync_client_is_refused() -> None:
    auth = AWSCredentials(session=Source())
    with (
        httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200)), auth=auth) as client,
        pytest.raises(ConfigurationError, match=r"httpx\.AsyncClient"),
    ):
        client.post(URL, json={})


def test_a_missing_botocore_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "botocore", None)
    with pytest.raises(ConfigurationError, match=r'pip install "alexa-props\[aws\]"'):
        AWSCredentials()


@pytest.mark.parametrize("argument", ["profile", "region", "service"])
def test_refuses_invalid_arguments(argument: str) -> None:
    invalid: list[Any] = ["", 7]
    for value in invalid:
        with pytest.raises(ConfigurationError, match=f"^{argument} must be"):
            AWSCredentials(**{argument: value})


async def test_no_secret_is_in_the_repr() -> None:
    auth = AWSCredentials(profile="hotel", region="us-east-1", session=Source())
    await signed(auth)
    assert repr(auth) == "AWSCredentials(profile='hotel', region='us-east-1', service='a4b')"
    assert "secret1" not in repr(vars(auth))
    assert "token1" not in repr(vars(auth))
