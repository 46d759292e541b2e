"""No secret is in a message, a repr, a log record, an event, or the locals of a traceback."""

from __future__ import annotations

import asyncio
import logging
import urllib.parse
from collections.abc import Callable
from typing import Any

import anyio
import httpx
import pytest

from alexa_props import AlexaForBusiness, LoginWithAmazon, SigV4, SmartProperties, errors
from alexa_props.hooks import Event
from alexa_props.smart_properties.endpoint_settings import Address
from tests import loops
from tests.helpers import ORIGIN, Amazon, Service, answer, for_business, get, login, smart_properties, virtual_time
from tests.secrets.leaks import Leaks, shown

LEAKS = Leaks(
    {
        "client secret": "secret-of-the-client",
        "refresh token": "Atzr|secret-refresh",
        "AWS key": "secret-aws-key",
        "AWS session token": "secret-aws-session",
        "password": "secret-password",
    },
    {"an access token": "Atza|", "a refresh token": "Atzr|", "a signature": "Signature="},
)


@pytest.fixture
def anyio_backend() -> object:
    return virtual_time()


# Errors


def test_the_check_sees_what_it_should() -> None:
    namespace: dict[str, Any] = {}
    code = "def leak():\n    token = ['Atza|access-1']\n    raise KeyError"
    exec(compile(code, "/library.py", "exec"), namespace)
    with pytest.raises(KeyError) as caught:
        namespace["leak"]()
    with pytest.raises(AssertionError, match="local 'token' of leak"):
        LEAKS.check(shown(caught.value))
    with pytest.raises(AssertionError, match="ValueError itself"):
        LEAKS.check(shown(ValueError("Atza|access-1")))


def aws(service: httpx.AsyncBaseTransport, **options: Any) -> AlexaForBusiness:
    auth = SigV4(access_key="AKIDEXAMPLE", secret_key="secret-aws-key", session_token="secret-aws-session")
    return for_business(service, auth=auth, **options)


def asp(amazon: httpx.AsyncBaseTransport, **options: Any) -> SmartProperties:
    return smart_properties(amazon, **{"auth": login(), **options})


def token_says(*script: Any) -> Amazon:
    amazon = Amazon()
    amazon.token.script = list(script)
    return amazon


def api_says(*script: Any) -> Amazon:
    amazon = Amazon()
    amazon.api.script = list(script)
    return amazon


class Store:
    def __init__(self, fault: Callable[[str], Any]) -> None:
        self.fault = fault

    async def load(self) -> str | None:
        await self.fault("load")
        return "Atzr|secret-refresh"

    async def save(self, refresh_token: str) -> None:
        await self.fault(refresh_token)


async def fails_to_load(what: str) -> None:
    raise OSError(f"cannot {what} Atzr|secret-refresh")


async def fails_to_save(what: str) -> None:
    if what != "load":
        try:
            raise KeyError(what)
        except KeyError as error:
            raise OSError(f"cannot store {what}") from error


async def hangs(what: str) -> None:
    if what != "load":
        await anyio.sleep_forever()


def rotating(store: Store) -> SmartProperties:
    amazon = Amazon()
    amazon.rotate = True
    return asp(amazon, auth=login(token_store=store))


async def elsewhere() -> None:
    async with httpx.AsyncClient(transport=asp(Amazon()).pipeline) as client:
        await client.get("https://evil.example/")


async def closed() -> None:
    client = asp(Amazon())
    await get(client)
    await client.aclose()
    await get(client)


async def pages() -> None:
    amazon = api_says(answer(json={"results": [], "paginationContext": {"nextToken": "t"}}), 500)
    async with asp(amazon).units.list("u").prefetch() as units:
        async for _ in units:
            pass


async def no_region() -> None:
    auth = SigV4(access_key="AKIDEXAMPLE", secret_key="secret-aws-key", session_token="secret-aws-session")
    async with httpx.AsyncClient(transport=Service(), auth=auth) as client:
        await client.post("http://localhost:1/", content=b"{}")


async def paused() -> None:
    client = asp(api_says(answer(429, Retry_After="1000")))
    with pytest.raises(errors.Throttled):
        await get(client)
    await get(client.with_options(max_wait=1))


REFUSED = answer(400, {"error": "invalid_grant", "error_description": "revoked"})
CUT_OFF = httpx.Response(200, content=b'{"access_token": "Atza|cut-off')
ODD = httpx.Response(200, content='{"access_token": "Atza|access é", "refresh_token": "Atzr|rotated"}'.encode())
ARRAY = answer(200, ["Atza|access", "Atzr|rotated"])
EXPIRED = answer(400, {"__type": "RequestExpired"}, Date="Tue, 14 Nov 2023 22:13:20 GMT")
FAILED = answer(500, {"errors": [{"endpointId": "e", "code": "DEVICE_UNREACHABLE"}]})

ERRORS: dict[str, tuple[type[BaseException], Callable[[], Any]]] = {
    "token refused": (errors.AuthenticationError, lambda: get(asp(token_says(REFUSED)))),
    "token cut off": (errors.AuthenticationError, lambda: get(asp(token_says(CUT_OFF)))),
    "token odd": (errors.AuthenticationError, lambda: get(asp(token_says(ODD)))),
    "token in an array": (errors.AuthenticationError, lambda: get(asp(token_says(ARRAY)))),
    "token endpoint down": (errors.TransportError, lambda: get(asp(token_says(httpx.ConnectError)))),
    "token endpoint broken": (errors.AuthenticationError, lambda: get(asp(token_says(503)))),
    "token deadline": (errors.DeadlineExceeded, lambda: get(asp(Amazon(latency=9)).with_options(deadline=1))),
    "store cannot load": (errors.AuthenticationError, lambda: get(rotating(Store(fails_to_load)))),
    "store cannot save": (errors.AuthenticationError, lambda: get(rotating(Store(fails_to_save)))),
    "store hangs": (errors.AuthenticationError, lambda: get(rotating(Store(hangs)))),
    "replayed": (errors.Unauthorized, lambda: get(asp(api_says(401)))),
    "forbidden": (errors.Forbidden, lambda: get(asp(api_says(403)))),
    "server error": (errors.ServerError, lambda: get(asp(api_says(500)))),
    "endpoint failures": (errors.EndpointFailures, lambda: asp(api_says(FAILED)).alerts.delete_alarms("u")),
    "not json": (errors.DecodeError, lambda: get(asp(api_says(httpx.Response(200, text="<html>"))))),
    "wrong model": (errors.DecodeError, lambda: get(asp(api_says(answer(200, {"providerId": []}))))),
    "bad gzip": (errors.DecodeError, lambda: get(asp(api_says(httpx.DecodingError)))),
    "connect": (errors.TransportError, lambda: get(asp(api_says(httpx.ConnectError)))),
    "read": (errors.TransportError, lambda: get(asp(api_says(httpx.ReadTimeout)))),
    "foreign exception": (ZeroDivisionError, lambda: get(asp(api_says(ZeroDivisionError)))),
    "deadline": (errors.DeadlineExceeded, lambda: get(asp(Amazon(api_latency=9)).with_options(deadline=1))),
    "too long": (errors.RateLimitTooLong, paused),
    "elsewhere": (errors.ConfigurationError, elsewhere),
    "closed": (errors.ConfigurationError, closed),
    "bad id": (errors.ConfigurationError, lambda: get(asp(Amazon()), "..")),
    "page": (errors.ServerError, pages),
    "aws refused": (errors.Unauthorized, lambda: aws(Service(EXPIRED)).devices.get("arn")),
    "aws down": (errors.TransportError, lambda: aws(Service(httpx.ReadError)).devices.get("arn")),
    "aws not json": (errors.DecodeError, lambda: aws(Service(200)).devices.get("arn")),
    "aws foreign exception": (ZeroDivisionError, aws(Service(ZeroDivisionError)).devices.search),
    "aws no region": (errors.ConfigurationError, no_region),
}


@pytest.mark.parametrize("name", ERRORS)
async def test_errors(name: str, caplog: pytest.LogCaptureFixture) -> None:
    kind, cause = ERRORS[name]
    caplog.set_level(logging.DEBUG)
    with pytest.raises(kind) as caught:
        await cause()
    LEAKS.check(shown(caught.value))
    LEAKS.check((record.name, f"{record.getMessage()} {record.args!r}") for record in caplog.records)


@pytest.mark.parametrize("amazon", [Amazon(latency=9), Amazon(api_latency=9)], ids=["token", "call"])
def test_cancellation(amazon: Amazon) -> None:
    async def main(_: loops.JumpingLoop) -> None:
        task = asyncio.create_task(get(asp(amazon)))
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        LEAKS.check(shown(caught.value))

    loops.run(main)


def test_cancellation_while_a_token_is_saved() -> None:
    async def main(_: loops.JumpingLoop) -> None:
        saving = asyncio.Event()

        async def save(what: str) -> None:
            if what != "load":
                saving.set()
                await asyncio.sleep(1)

        task = asyncio.create_task(get(rotating(Store(save))))
        await saving.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        LEAKS.check(shown(caught.value))

    loops.run(main)


# Errors of constructors


LOGIN: dict[str, Any] = {
    "client_id": "id",
    "client_secret": "secret-of-the-client",
    "refresh_token": "Atzr|secret-refresh",
}
KEYS: dict[str, Any] = {
    "access_key": "AKIDEXAMPLE",
    "secret_key": "secret-aws-key",
    "session_token": "secret-aws-session",
}
BUILDERS: dict[str, Callable[[], object]] = {
    "client id": lambda: LoginWithAmazon(**{**LOGIN, "client_id": ""}),
    "refresh token": lambda: LoginWithAmazon(**{**LOGIN, "refresh_token": "Atzr|secret-refresh\n"}),
    "token url": lambda: LoginWithAmazon(**LOGIN, token_url="http://a.example"),
    "secret key": lambda: SigV4(**{**KEYS, "secret_key": "secret-aws-key\n"}),
    "session token": lambda: SigV4(**{**KEYS, "session_token": "secret-aws-session "}),
    "environment": lambda: SmartProperties.from_env(transport=Service()),
    "environment of aws": lambda: AlexaForBusiness.from_env(transport=Service()),
}


def test_errors_of_building(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALEXA_PROPS_CLIENT_ID", "id")
    monkeypatch.setenv("ALEXA_PROPS_CLIENT_SECRET", "secret-of-the-client")
    monkeypatch.setenv("ALEXA_PROPS_REFRESH_TOKEN", "Atzr|secret-refresh")
    monkeypatch.setenv("ALEXA_PROPS_TOKEN_URL", "http://a.example")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-aws-key")
    monkeypatch.setenv("AWS_REGION", "no region")
    for build in BUILDERS.values():
        with pytest.raises(errors.ConfigurationError) as caught:
            build()
        LEAKS.check(shown(caught.value))


def test_a_password_in_a_url_is_not_in_the_message() -> None:
    for build in (
        lambda: LoginWithAmazon(**LOGIN, token_url="https://u:secret-password@a.example"),
        lambda: asp(Amazon(), base_url="https://u:secret-password@a.example"),
        lambda: asp(Amazon(), proxy="http://u:secret-password@proxy.example"),
    ):
        with pytest.raises(errors.ConfigurationError) as caught:
            build()
        # Locals hold the caller's own arguments.
        assert "secret-password" not in f"{caught.value} {caught.value!r}"


FAULTS = {"from_env, another fault": "retry", "from_env, nothing in it": "not set|proxy"}


@pytest.mark.parametrize("service", [SmartProperties, AlexaForBusiness])
@pytest.mark.parametrize("way", ["argument", "from_env", "from_env, another fault", "from_env, nothing in it"])
def test_the_password_of_a_proxy_is_in_no_local(service: Any, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "there-is-none")
    build = service if way == "argument" else service.from_env
    other: dict[str, Any] = {} if "nothing" in way else {"auth": httpx.Auth()}
    if "fault" in way:
        other["retry"] = 3
    for proxy in ("http://u:secret-password@p:bad", "ftp://u:secret-password@p", "socks5://u:secret-password@p"):
        with pytest.raises(errors.ConfigurationError, match=FAULTS.get(way, "proxy")) as caught:
            build(proxy=proxy, **other)
        assert not [place for place, text in shown(caught.value) if "secret-password" in text]


async def test_the_contents_of_a_custom_request_are_in_no_local() -> None:
    client = asp(Amazon()).with_options(deadline=0)
    for path in ("/v2/x", "no path", "/\x00"):
        with pytest.raises((errors.ConfigurationError, errors.DeadlineExceeded)) as caught:
            await client.request(
                "POST",
                path,
                json={"p": "secret-password"},
                headers={"X-Key": "secret-password"},
            )
        assert not [place for place, text in shown(caught.value) if "secret-password" in text]


WORDS = "canary words"
MODELLED: dict[str, Callable[[SmartProperties], Any]] = {
    "create": lambda client: client.units.create("unit-1", WORDS),
    "update": lambda client: client.units.update("unit-1", WORDS),
    "set_address": lambda client: client.endpoint_settings.set_address("endpoint-1", Address(city=WORDS)),
}
FAILURES: dict[str, tuple[type[errors.AlexaError], Callable[[], SmartProperties]]] = {
    "refused": (errors.BadRequest, lambda: asp(api_says(400))),
    "failed": (errors.ServerError, lambda: asp(api_says(500))),
    "no answer": (errors.TransportError, lambda: asp(api_says(httpx.ReadError))),
    "no token": (errors.AuthenticationError, lambda: asp(token_says(REFUSED))),
    "too late": (errors.DeadlineExceeded, lambda: asp(Amazon(api_latency=9)).with_options(deadline=1)),
}


@pytest.mark.parametrize("failure", FAILURES)
async def test_arguments_but_ids_are_in_no_message_log_or_event(failure: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    kind, client = FAILURES[failure]
    for call in MODELLED.values():
        with pytest.raises(kind) as caught:
            await call(client())
        assert "-1')" in str(caught.value)
        # Locals hold the caller's own arguments.
        assert [place for place, text in shown(caught.value) if "local" not in place and WORDS in text] == []
    assert caplog.records
    assert WORDS not in caplog.text


# Echoes of a service


async def test_a_message_of_alexa_for_business_is_without_the_credentials_sent() -> None:
    def echo(request: httpx.Request) -> httpx.Response:
        sent = "\n".join(f"{key}:{value}" for key, value in request.headers.items())
        signatures.append(request.headers["Authorization"].rpartition("=")[2])
        return httpx.Response(
            403, json={"__type": "InvalidSignatureException", "message": f"The text should have been\n{sent}"}
        )

    signatures: list[str] = []
    with pytest.raises(
        errors.Unauthorized, match=r"The text should have been host:.* x-amz-security-token:… "
    ) as caught:
        await aws(httpx.MockTransport(echo)).devices.get("device-1")
    assert "\n" not in str(caught.value)
    assert signatures[0] not in f"{caught.value} {caught.value.message}"
    LEAKS.check(shown(caught.value))


async def test_a_message_of_smart_properties_is_without_the_token_and_not_too_long() -> None:
    def echo(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/auth/o2/token":
            return httpx.Response(200, json={"access_token": "Atza|access-1"})
        return httpx.Response(403, json={"message": f"no: {request.headers['Authorization']} " + "x" * 10_000})

    with pytest.raises(errors.Forbidden, match=r"no: Bearer … x") as caught:
        await get(asp(httpx.MockTransport(echo)))
    assert len(str(caught.value)) < 1_000
    LEAKS.check(shown(caught.value))


async def test_a_message_of_the_token_endpoint_is_without_the_credentials_sent() -> None:
    def echo(request: httpx.Request) -> httpx.Response:
        words = urllib.parse.unquote_plus(request.content.decode())
        return httpx.Response(400, json={"error": "invalid_request", "error_description": words})

    with pytest.raises(errors.AuthenticationError, match="grant_type=refresh_token") as caught:
        await get(asp(httpx.MockTransport(echo)))
    LEAKS.check(shown(caught.value))


# Successes


async def test_reprs_logs_and_events(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    events: list[Event] = []
    amazon = Amazon()
    amazon.rotate = True
    auth = login()
    client = asp(amazon, auth=auth, hooks=[events.append])
    await get(client)
    amazon.revoke()
    await get(client)
    pager = client.units.list("u").resume("token-of-a-page")
    deletion = client.alerts.delete_alarms("u")
    await deletion
    a4b = aws(Service(answer(json={"Devices": []})), hooks=[events.append])
    await a4b.devices.search()
    for thing in (auth, client, client.with_options(), pager, deletion, a4b, client.limits, events, vars(auth)):
        LEAKS.check(iter([(type(thing).__name__, repr(thing))]))
    LEAKS.check((record.name, f"{record.getMessage()} {record.args!r}") for record in caplog.records)
    assert len(events) >= 8
    assert caplog.records


async def test_a_failing_hook_logs_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    def bad(event: Event) -> None:
        raise KeyError("mine")

    await get(asp(Amazon(), hooks=[bad]))
    LEAKS.check((record.name, caplog.text) for record in caplog.records)
    for record in caplog.records:
        assert record.exc_info is not None
        assert record.exc_info[1] is not None
        LEAKS.check(shown(record.exc_info[1]))


async def test_the_warning_of_an_advisory_refresh(caplog: pytest.LogCaptureFixture) -> None:
    amazon = Amazon()
    client = asp(amazon)
    await get(client)
    await anyio.sleep(3350)
    amazon.token.script = [REFUSED]
    await get(client)
    assert "the current one is still valid" in caplog.text
    LEAKS.check(iter([("log", caplog.text)]))


async def test_on_a_plain_httpx_client(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with httpx.AsyncClient(transport=token_says(REFUSED), auth=login()) as client:
        with pytest.raises(errors.AuthenticationError) as caught:
            await client.get(f"{ORIGIN}/v2/x")
    LEAKS.check(shown(caught.value))
    LEAKS.check((record.name, record.getMessage()) for record in caplog.records)
