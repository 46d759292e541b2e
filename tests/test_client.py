"""Both clients: options, life, invalid input, raw requests, and what responses become."""

from __future__ import annotations

import asyncio
import importlib.metadata
import platform
import re
import ssl
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, cast

import anyio
import httpx
import pytest

from alexa_props import AlexaForBusiness, RateLimit, Region, RetryPolicy, SigV4, SmartProperties, Timeouts, errors
from alexa_props import options as options_module
from alexa_props.client import Client
from alexa_props.operation import Group
from alexa_props.simulator import Simulator
from alexa_props.smart_properties.unit_settings import DefaultStation
from alexa_props.wire import build_request
from tests.helpers import (
    ORIGIN,
    Amazon,
    NoAuth,
    Service,
    answer,
    for_business,
    get,
    login,
    smart_properties,
    virtual_time,
)


@pytest.fixture
def anyio_backend() -> object:
    return virtual_time()


# Hosts and headers


async def test_the_region_selects_the_host() -> None:
    regions: list[Any] = [*Region, "EU"]
    for region in regions:
        service = Service()
        await get(smart_properties(service, region=region))
        assert f"https://{service.seen[0].url.host}" == Region(region).base_url


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("us-east-1", "a4b.us-east-1.amazonaws.com"),
        ("us-gov-west-1", "a4b.us-gov-west-1.amazonaws.com"),
        ("cn-north-1", "a4b.cn-north-1.amazonaws.com.cn"),
    ],
)
async def test_the_aws_region_selects_the_host_and_signs(region: str, host: str) -> None:
    service = Service(answer(json={"Devices": []}))
    await for_business(service, region=region).devices.search()
    (seen,) = service.seen
    assert str(seen.url) == f"https://{host}/"
    assert f"/{region}/a4b/aws4_request" in (seen.token or "")


@pytest.mark.parametrize(
    ("base_url", "sent"),
    [
        ("https://proxy.example:8443/alexa/", "https://proxy.example:8443/alexa/v2/x"),
        ("http://[::1]:8080", "http://[::1]:8080/v2/x"),
    ],
)
async def test_base_url_replaces_the_host(base_url: str, sent: str) -> None:
    service = Service(200)
    client = smart_properties(service, base_url=base_url)
    await client.request("GET", "/v2/x")
    assert str(service.seen[0].url) == sent
    assert repr(client) == f"<SmartProperties {base_url.rstrip('/')}>"


async def test_works_without_installed_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bundled into one executable, or copied into another project."""

    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    options_module._library.cache_clear()
    service = Service(204)
    try:
        await get(smart_properties(service))
    finally:
        options_module._library.cache_clear()
    assert service.seen[0].headers["User-Agent"].startswith("alexa-props/unknown Python/")


async def test_the_user_agent() -> None:
    service = Service()
    await get(smart_properties(service))
    await get(smart_properties(service, user_agent="hotel/1.2"))
    own = rf"alexa-props/[\w.]+ Python/{re.escape(platform.python_version())} httpx/{re.escape(httpx.__version__)}"
    assert re.fullmatch(own, service.seen[0].headers["User-Agent"])
    assert re.fullmatch(rf"hotel/1\.2 {own}", service.seen[1].headers["User-Agent"])


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("GET", "/", None), ("PUT", "/v2/units/a%2Fb?x=%C3%BC", b"{}"), ("POST", "/v2/units/ü", b"")],
)
def test_builds_the_request_that_httpx_would_build(method: str, path: str, body: bytes | None) -> None:
    url, headers = f"https://Example.com:443{path}", {"Accept": "application/json", "X-A": "1"}
    ours = build_request(method, url, headers, body)
    theirs = httpx.Request(method, url, headers=headers, content=body)
    assert (ours.method, str(ours.url)) == (theirs.method, str(theirs.url))
    assert (ours.content, b"".join(cast("Iterable[bytes]", ours.stream))) == (theirs.content, theirs.content)
    assert ours.headers == theirs.headers
    assert ours.headers.raw[0] == theirs.headers.raw[0]


async def test_time_limits_travel_with_the_request() -> None:
    service = Service()
    await get(smart_properties(service))
    await get(smart_properties(service, timeouts=Timeouts(connect=1, read=2, pool=3)))
    assert [dict(seen.timeout) for seen in service.seen] == [
        {"connect": 5.0, "read": 30.0, "write": 30.0, "pool": 30.0},
        {"connect": 1, "read": 2, "write": 2, "pool": 3},
    ]


# Invalid input


ANY: Any = "1"
"""A value of the wrong type."""


def station(**parts: Any) -> DefaultStation:
    return DefaultStation(**{"provider_id": "TUNEIN", "station_id": "s1", **parts})


BAD_CALLS: list[tuple[str, Callable[[SmartProperties, AlexaForBusiness], Any]]] = [
    ("unit_id must be an id", lambda asp, _: asp.unit_settings.get_default_music_station("..")),
    ("station must be a DefaultStation", lambda asp, _: asp.unit_settings.set_default_music_station("u", ANY)),
    (
        "station.provider_id must be",
        lambda asp, _: asp.unit_settings.set_default_music_station("u", station(provider_id="")),
    ),
    (
        "station.station_id must be",
        lambda asp, _: asp.unit_settings.set_default_music_station("u", station(station_id=7)),
    ),
    ("unit_id must be an id", lambda asp, _: asp.alerts.delete_alarms("")),
    ("parent_id must be an id", lambda asp, _: asp.units.list("")),
    ("depth must be a whole number of at least 1", lambda asp, _: asp.units.list("u", depth=0)),
    ('expand must be "all" or None', lambda asp, _: asp.units.list("u", expand=cast("Any", True))),
    ("page_size must be a whole number of at least 1", lambda asp, _: asp.units.list("u", page_size=0)),
    ("name at least one of unit_id", lambda asp, _: asp.endpoints.list()),
    ("device_arn must be an id", lambda _, a4b: a4b.devices.get("")),
    ("page_size must be a whole number from 1 to 50", lambda _, a4b: a4b.devices.search(page_size=51)),
    ("page_size must be a whole number from 1 to 50", lambda _, a4b: a4b.devices.events("arn", page_size=51)),
    ('to ascend, or "-DeviceName" to descend', lambda _, a4b: a4b.devices.search(sort=["+DeviceName"])),
    ('to ascend, or "-DeviceName" to descend', lambda _, a4b: a4b.users.search(sort=["LastName desc"])),
    ("sort must be a list such as", lambda _, a4b: a4b.users.search(sort="LastName")),
    ('path must begin with one "/"', lambda asp, _: asp.request("GET", "v2/x")),
    ('path must begin with one "/"', lambda asp, _: asp.request("GET", "//evil.example/")),
    ("no request can be made of these arguments: Invalid", lambda asp, _: asp.request("GET", "/v2/\x00")),
    ("token must be a non-empty string", lambda asp, _: asp.units.list("u").resume("")),
    ("deadline must be seconds", lambda asp, _: asp.with_options(deadline=-1)),
    ("deadline must be seconds", lambda asp, _: asp.with_options(deadline=True)),
    ("max_wait must be seconds", lambda asp, _: asp.with_options(max_wait=ANY)),
    ('priority must be "interactive" or "bulk"', lambda asp, _: asp.with_options(priority=ANY)),
    ("retry must be a RetryPolicy", lambda asp, _: asp.with_options(retry=ANY)),
]


@pytest.mark.parametrize(("message", "call"), BAD_CALLS)
async def test_rejects_invalid_arguments_before_sending(
    message: str, call: Callable[[SmartProperties, AlexaForBusiness], Any]
) -> None:
    service = Service()
    with pytest.raises(errors.ConfigurationError, match=re.escape(message)):
        await call(smart_properties(service), for_business(service))
    assert service.seen == []


BAD_CLIENTS: list[tuple[type[Client], str, dict[str, Any]]] = [
    (SmartProperties, 'region must be "NA", "EU" or "FE", not \'US\'', {"region": "US"}),
    (SmartProperties, 'region must be "NA", "EU" or "FE", not None', {"region": None}),
    (SmartProperties, 'alerts_authorization must be "Bearer" or "bare"', {"alerts_authorization": "bearer"}),
    (SmartProperties, "base_url must be https, or http to this machine", {"base_url": "http://hotel.example"}),
    (SmartProperties, "base_url must be a URL without user name", {"base_url": "https://u:p@hotel.example"}),
    (SmartProperties, "auth must be an httpx.Auth", {"auth": ("user", "password")}),
    (SmartProperties, "proxy and verify are the pool's", {"proxy": "http://proxy.example"}),
    (SmartProperties, "proxy and verify are the pool's", {"verify": ssl.create_default_context()}),
    (SmartProperties, "retry must be a RetryPolicy", {"retry": 3}),
    (SmartProperties, "rate_limit must be a RateLimit", {"rate_limit": 100}),
    (SmartProperties, "timeouts must be a Timeouts", {"timeouts": 5}),
    (SmartProperties, "transport must be a AsyncBaseTransport", {"transport": httpx.HTTPTransport()}),
    (SmartProperties, "hooks must be", {"hooks": print}),
    (SmartProperties, "hooks must be", {"hooks": [5]}),
    (SmartProperties, "user_agent must be printable ASCII", {"user_agent": "é"}),
    (SmartProperties, "user_agent must be printable ASCII", {"user_agent": "a\nb"}),
    (SmartProperties, "max_connections must be", {"max_connections": 0, "transport": None}),
    (SmartProperties, "verify must be", {"verify": "/no/such/file", "transport": None}),
    (AlexaForBusiness, 'region must be an AWS region such as "us-east-1"', {"region": "us-east-1.evil.example/"}),
    (AlexaForBusiness, 'region must be an AWS region such as "us-east-1"', {"region": None}),
    (AlexaForBusiness, "base_url must be", {"base_url": "nope"}),
]


@pytest.mark.parametrize(("kind", "message", "options"), BAD_CLIENTS)
def test_rejects_invalid_options_of_a_client(kind: Any, message: str, options: dict[str, Any]) -> None:
    with pytest.raises(errors.ConfigurationError, match=re.escape(message)):
        kind(**{"auth": NoAuth(), "transport": Service(), **options})


# From the environment


@pytest.mark.parametrize("missing", ["CLIENT_ID", "CLIENT_SECRET", "REFRESH_TOKEN"])
def test_from_env_names_missing_credentials(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in {"CLIENT_ID", "CLIENT_SECRET", "REFRESH_TOKEN"} - {missing}:
        monkeypatch.setenv(f"ALEXA_PROPS_{name}", "secret")
    with pytest.raises(errors.ConfigurationError, match=f"ALEXA_PROPS_{missing} is not set"):
        SmartProperties.from_env(transport=Service())


async def test_from_env_reads_credentials_and_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"CLIENT_ID": "id", "CLIENT_SECRET": "secret", "REFRESH_TOKEN": "Atzr|token", "REGION": "EU"}
    for name, value in given.items():
        monkeypatch.setenv(f"ALEXA_PROPS_{name}", value)
    amazon = Amazon()
    await get(SmartProperties.from_env(transport=amazon))
    assert amazon.token.seen[0].form["refresh_token"] == "Atzr|token"
    assert amazon.api.seen[0].url.host == "api.eu.amazonalexa.com"
    monkeypatch.setenv("ALEXA_PROPS_BASE_URL", "http://localhost:1")
    monkeypatch.setenv("ALEXA_PROPS_TOKEN_URL", "http://localhost:2/auth/o2/token")
    await get(SmartProperties.from_env(transport=amazon))
    assert (amazon.token.seen[1].url.port, amazon.api.seen[1].url.port) == (2, 1)
    # What is passed wins.
    assert repr(SmartProperties.from_env(transport=amazon, base_url="https://a.example")) == (
        "<SmartProperties https://a.example>"
    )


def test_from_env_rejects_an_unknown_region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALEXA_PROPS_REGION", "US")
    with pytest.raises(errors.ConfigurationError, match='region must be "NA", "EU" or "FE"'):
        SmartProperties.from_env(auth=NoAuth())


async def test_alexa_for_business_from_env_reads_the_aws_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    service = Service(answer(json={"Devices": []}))
    await AlexaForBusiness.from_env(transport=service).devices.search()
    assert service.seen[0].url.host == "a4b.eu-west-1.amazonaws.com"
    assert service.seen[0].headers["X-Amz-Security-Token"] == "session"
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    await AlexaForBusiness.from_env(transport=service).devices.search()
    assert service.seen[1].url.host == "a4b.us-west-2.amazonaws.com"


# Life


async def test_works_with_and_without_async_with() -> None:
    service = Service()
    async with smart_properties(service) as client:
        await get(client)
    assert service.closed == 1
    client = smart_properties(service)
    await get(client)
    await client.aclose()
    assert service.closed == 2


async def test_closing_twice_closes_once() -> None:
    service = Service()
    async with smart_properties(service) as client:
        await client.aclose()
    await client.aclose()
    assert service.closed == 1


async def test_use_after_close_is_a_clear_error() -> None:
    service = Service()
    client = smart_properties(service)
    view = client.with_options(deadline=5)
    await client.aclose()
    assert repr(client) == "<SmartProperties https://api.amazonalexa.com, closed>"
    for use in (
        lambda: get(client),
        lambda: get(view),
        lambda: client.request("GET", "/v2/x"),
        lambda: client.alerts.delete_alarms("u"),
        client.__aenter__,
    ):
        with pytest.raises(errors.ConfigurationError, match="the client is closed"):
            await cast("Any", use)()
    assert service.seen == []


async def test_an_httpx_client_on_the_pipeline_does_not_close_it() -> None:
    service = Service(200)
    client = smart_properties(service)
    async with httpx.AsyncClient(transport=client.pipeline) as outside:
        assert (await outside.get(f"{ORIGIN}/v2/x")).status_code == 200
    assert service.closed == 0
    await client.request("GET", "/v2/x")


def test_is_created_outside_an_event_loop_and_serves_one_after_the_other() -> None:
    service = Service()
    client = smart_properties(service, rate_limit=RateLimit(per_second=100))
    for _ in range(3):
        asyncio.run(get(client))

    async def many() -> None:
        await asyncio.gather(*[get(client) for _ in range(5)])

    asyncio.run(many())
    asyncio.run(client.aclose())
    assert (len(service.seen), service.closed) == (8, 1)


def abandon(*coroutines: Coroutine[Any, Any, Any]) -> list[asyncio.Task[Any]]:
    """Start calls on an event loop that is then closed without ending them. They stay alive with the returned list."""
    loop = asyncio.new_event_loop()
    tasks = [loop.create_task(coroutine) for coroutine in coroutines]
    loop.run_until_complete(asyncio.sleep(0.01))
    loop.close()
    for task in tasks:
        task._log_destroy_pending = False  # type: ignore[attr-defined]  # asyncio would report it, which is not the question
    return tasks


def test_queued_calls_abandoned_with_their_event_loop_delay_no_other() -> None:
    client = smart_properties(Service(), rate_limit=RateLimit(per_second=5))
    abandoned = abandon(get(client), get(client), get(client))
    assert client.limits["unit_settings.get_default_music_station"].waiting == 2
    asyncio.run(asyncio.wait_for(get(client), 5))
    assert [task.done() for task in abandoned] == [True, False, False]


def test_a_token_request_abandoned_with_its_event_loop_delays_no_call_and_no_closing() -> None:
    amazon = Amazon()
    amazon.token.latency = 0.05
    client = smart_properties(amazon, auth=login())
    abandoned = abandon(get(client))
    asyncio.run(asyncio.wait_for(get(client), 5))
    assert len(amazon.token.seen) == 2
    asyncio.run(asyncio.wait_for(client.aclose(), 3))
    assert not abandoned[0].done()


async def test_sends_nothing_after_the_deadline() -> None:
    service = Service()
    with pytest.raises(
        errors.DeadlineExceeded, match=r"unit-1.*not done within 0 s, after 0 .*nothing was sent"
    ) as caught:
        await get(smart_properties(service).with_options(deadline=0))
    assert caught.value.sent == "no"
    assert service.seen == []


class TestOnAsyncio:
    """The pool is asyncio's own."""

    @pytest.fixture
    def anyio_backend(self) -> str:
        return "asyncio"

    async def test_has_a_pool_without_a_transport(self) -> None:
        client = SmartProperties(auth=NoAuth(), base_url="http://localhost:1", retry=RetryPolicy(max_attempts=1))
        with pytest.raises(errors.TransportError, match="ConnectError") as caught:
            await get(client)
        assert caught.value.sent == "no"
        await client.aclose()
        with pytest.raises(errors.ConfigurationError, match="max_connections"):
            SmartProperties(auth=NoAuth(), max_connections=0)


# Views


async def test_a_view_shares_pool_and_limits_and_has_its_own_options() -> None:
    service = Service(latency=10)
    client = smart_properties(service)
    view = client.with_options(deadline=1)
    with pytest.raises(errors.DeadlineExceeded):
        await get(view)
    assert await get(client) is not None
    assert view.limits == client.limits != {}
    assert view.pipeline is client.pipeline
    assert type(view) is SmartProperties


async def test_a_view_of_a_subclass_has_its_attributes() -> None:
    class Tenant(SmartProperties):
        label = "none"

    client = Tenant(auth=httpx.BasicAuth("id", "secret"), transport=httpx.MockTransport(lambda _: httpx.Response(204)))
    client.label = "hotel"
    await get(client)
    view = client.with_options(deadline=1)
    assert view.label == "hotel"
    assert view.unit_settings is not client.unit_settings


async def test_closing_a_view_closes_nothing() -> None:
    service = Service()
    client = smart_properties(service)
    async with client.with_options(deadline=1) as view:
        await get(view)
        await view.with_options().aclose()
    assert service.closed == 0
    assert await get(client) is not None
    assert await get(view) is not None


async def test_a_view_of_a_view_keeps_what_it_does_not_change() -> None:
    service = Service(503)
    client = smart_properties(service, rate_limit=RateLimit(per_second=1))
    view = client.with_options(retry=RetryPolicy(max_attempts=1), deadline=5)
    with pytest.raises(errors.ServerError):
        await get(view.with_options(max_wait=2, priority="bulk"))
    assert len(service.seen) == 1
    service.latency = 100
    with pytest.raises(errors.DeadlineExceeded):
        await get(view.with_options(max_wait=2, priority="bulk"))
    with anyio.move_on_after(0.1):
        await get(client)
    with pytest.raises(errors.RateLimitTooLong):
        await get(view.with_options(max_wait=2).with_options(max_wait=0).with_options(priority="bulk"))


async def test_all_resources_of_a_view_have_its_options() -> None:
    asp = smart_properties(Service(latency=10)).with_options(deadline=1)
    a4b = for_business(Service(latency=10)).with_options(deadline=1)
    calls: list[Callable[[], Any]] = [
        lambda: asp.unit_settings.get_default_music_station("u"),
        lambda: asp.alerts.delete_alarms("u"),
        lambda: asp.units.list("u"),
        lambda: asp.endpoints.get("e"),
        lambda: asp.request("GET", "/v2/x"),
        lambda: a4b.devices.get("arn"),
        a4b.users.search,
    ]
    for call in calls:
        with pytest.raises(errors.DeadlineExceeded):
            await call()


# Raw requests


async def test_sends_a_raw_request() -> None:
    service = Service(answer(418, {"short": "stout"}))
    client = smart_properties(service)
    response = await client.request("post", "/v2/tea?kind=green", json={"a": [1]}, headers={"X-Own": "1"})
    assert (response.status_code, response.json(), response.request.method) == (418, {"short": "stout"}, "POST")
    (seen,) = service.seen
    assert (seen.method, str(seen.url), seen.json) == ("POST", f"{ORIGIN}/v2/tea?kind=green", {"a": [1]})
    assert (seen.headers["X-Own"], seen.headers["Accept"]) == ("1", "application/json")
    assert seen.headers["Content-Type"] == "application/json"


async def test_sends_a_raw_request_with_parameters_and_without_a_body() -> None:
    service = Service(200)
    await smart_properties(service).request("GET", "/v2/x", params={"a": "1 /&", "b": ["x", "y"]})
    (seen,) = service.seen
    assert seen.url.params.multi_items() == [("a", "1 /&"), ("b", "x"), ("b", "y")]
    assert (seen.content, "Content-Type" in seen.headers) == (b"", False)


async def test_headers_of_a_raw_request_replace_the_defaults() -> None:
    service = Service(200)
    await smart_properties(service).request("GET", "/v2/x", headers={"user-agent": "own", "ACCEPT": "text/csv"})
    headers = service.seen[0].headers
    assert (headers.get_list("User-Agent"), headers.get_list("Accept")) == (["own"], ["text/csv"])


async def test_a_raw_request_of_alexa_for_business_is_signed() -> None:
    service = Service(answer(json={"Rooms": []}))
    response = await for_business(service).request(
        "POST",
        "/",
        json={},
        headers={"X-Amz-Target": "AlexaForBusiness.SearchRooms", "Content-Type": "application/x-amz-json-1.1"},
    )
    assert response.json() == {"Rooms": []}
    assert "SignedHeaders=content-type;host;x-amz-date;x-amz-target" in (service.seen[0].token or "")


async def test_the_pipeline_authorizes_limits_and_retries_foreign_requests() -> None:
    amazon = Amazon()
    amazon.api.script = [503, amazon.api.script[0]]
    client = smart_properties(amazon, auth=login())
    async with httpx.AsyncClient(transport=client.pipeline) as outside:
        response = await outside.get(f"{ORIGIN}/v2/x")
    assert response.status_code == 200
    assert [seen.token for seen in amazon.api.seen] == ["Bearer Atza|access-1"] * 2
    assert set(client.limits) == {"GET /v2/x"}


async def test_reads_a_streamed_response_completely() -> None:
    class Streams(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            async def body() -> Any:
                yield b'{"providerId": "a", '
                yield b'"stationId": "b"}'

            return httpx.Response(200, content=body())

    assert await get(smart_properties(Streams())) == DefaultStation("a", "b")


# What responses become


async def test_a_redirect_is_an_error_and_not_followed() -> None:
    for status in (300, 301, 302, 303, 307, 308):
        service = Service(answer(status, Location=f"{ORIGIN}/v2/other"))
        with pytest.raises(errors.ApiError) as caught:
            await get(smart_properties(service))
        assert (type(caught.value), caught.value.status, len(service.seen)) == (errors.ApiError, status, 1)


async def test_a_body_that_cannot_be_decoded_is_a_decode_error() -> None:
    response = httpx.DecodingError("bad gzip")
    with pytest.raises(errors.DecodeError, match=r"get_default_music_station.*bad gzip") as caught:
        await get(smart_properties(Service(response)))
    assert caught.value.operation == "unit_settings.get_default_music_station"


async def test_an_error_names_operation_unit_response_and_request_id() -> None:
    refusal = answer(400, {"message": "no such station", "type": "INVALID"}, x_amzn_RequestId="request-3")
    with pytest.raises(errors.BadRequest) as caught:
        await get(smart_properties(Service(refusal)), "room-7")
    error = caught.value
    assert (error.status, error.code, error.message, error.request_id) == (
        400,
        "INVALID",
        "no such station",
        "request-3",
    )
    assert (error.operation, error.attempts) == ("unit_settings.get_default_music_station", 1)
    for part in ("room-7", "get_default_music_station", "400", "INVALID", "no such station", "request-3"):
        assert part in str(error)


NOT_FOUND = "com.amazonaws.alexaforbusiness.v20171109#NotFoundException"


@pytest.mark.parametrize(
    "refusal",
    [
        answer(400, {"__type": "NotFoundException", "Message": "gone"}),
        answer(400, {"__type": f"{NOT_FOUND}:http://internal.amazon.com/", "message": "gone"}),
        answer(400, {"message": "gone"}, x_amzn_ErrorType="NotFoundException:http://internal.amazon.com/"),
        answer(400, {"__type": NOT_FOUND, "message": "gone"}, x_amzn_ErrorType="ValidationException"),
        answer(400, {"__type": 7, "message": "gone"}, x_amzn_ErrorType=NOT_FOUND),
        answer(404, {"message": "gone"}),
    ],
)
async def test_reads_every_form_of_an_error_code_of_alexa_for_business(refusal: httpx.Response) -> None:
    service = Service(refusal)
    with pytest.raises(errors.NotFound) as caught:
        await for_business(service).devices.get("arn")
    assert caught.value.code in ("NotFoundException", None)
    assert (caught.value.message, len(service.seen)) == ("gone", 1)


@pytest.mark.parametrize(
    ("date", "said"),
    [
        ("Tue, 14 Nov 2023 22:13:20 GMT", r"\d+ s ahead of the service's, which says 2023-11-14 22:13:20 UTC"),
        ("Fri, 31 Dec 2100 23:59:59 GMT", r"\d+ s behind the service's, which says 2100-12-31"),
        ("junk", r"the request was signed at 20\d\d-"),
    ],
)
async def test_an_expired_request_names_the_difference_of_the_clocks(date: str, said: str) -> None:
    service = Service(answer(400, {"__type": "RequestExpired"}, Date=date))
    with pytest.raises(errors.Unauthorized, match=rf"set this machine's clock: .*{said}") as caught:
        await for_business(service).devices.get("arn")
    assert len(service.seen) == 1
    assert "secret" not in str(caught.value)


async def test_an_expired_request_that_another_signer_signed() -> None:
    service = Service(answer(400, {"__type": "RequestExpired"}, Date="Tue, 14 Nov 2023 22:13:20 GMT"))
    with pytest.raises(errors.Unauthorized, match=r"set this machine's clock$"):
        await for_business(service, auth=NoAuth()).devices.get("arn")


async def test_the_difference_of_the_clocks_is_in_seconds() -> None:
    import datetime as dt

    signed = dt.datetime(2023, 11, 14, 22, 33, 20, tzinfo=dt.UTC)
    auth = SigV4(access_key="AKIDEXAMPLE", secret_key="secret", clock=signed.timestamp)
    service = Service(answer(400, {"__type": "RequestExpired"}, Date="Tue, 14 Nov 2023 22:13:20 GMT"))
    with pytest.raises(errors.Unauthorized, match="it is 1200 s ahead of the service's"):
        await for_business(service, auth=auth).devices.get("arn")


async def test_cancelling_a_call_frees_everything() -> None:
    service = Service(latency=100)
    client = smart_properties(service)
    with anyio.move_on_after(1):
        await get(client)
    assert service.active == 0
    assert client.limits["unit_settings.get_default_music_station"].in_flight == 0


# Raw requests that cannot be made


async def test_keeps_a_query_in_the_path_of_a_raw_request() -> None:
    service = Service(200)
    await smart_properties(service).request("GET", "/v2/units?parentId=P", params={"maxResults": 1})
    assert dict(service.seen[0].url.params) == {"parentId": "P", "maxResults": "1"}


@pytest.mark.parametrize(
    "arguments",
    [
        {"method": None},
        {"path": 5},
        {"params": 5},
        {"headers": {"x": 5}},
        {"json": float("nan")},
        {"path": "/" + "x" * 70_000},
    ],
    ids=["method", "path", "params", "headers", "json", "length"],
)
async def test_rejects_raw_requests_that_cannot_be_made(arguments: dict[str, Any]) -> None:
    service = Service(200)
    with pytest.raises(errors.ConfigurationError):
        await smart_properties(service).request(**{"method": "GET", "path": "/v2/x", **arguments})
    assert service.seen == []


async def test_rejects_an_id_that_is_too_long_for_a_url() -> None:
    with pytest.raises(errors.ConfigurationError, match=r"units\.get cannot be sent"):
        await smart_properties(Service()).units.get("x" * 70_000)


async def test_the_pipeline_of_alexa_for_business_signs_for_the_region_of_the_client() -> None:
    service = Service(200)
    client = for_business(service, base_url="http://127.0.0.1", region="eu-west-1")
    async with httpx.AsyncClient(transport=client.pipeline) as outside:
        await outside.post("http://127.0.0.1/", headers={"X-Amz-Target": "AlexaForBusiness.ListSkills"}, json={})
    assert "/eu-west-1/a4b/aws4_request" in service.seen[0].headers["Authorization"]
    assert list(client.limits) == ["ListSkills"]


def test_refuses_to_close_from_another_thread() -> None:
    async def main() -> None:
        async with Simulator(rooms=1) as sim, sim.serve():
            client = sim.smart_properties()
            await client.units.get(sim.organization_id)
            with pytest.raises(errors.ConfigurationError, match="one client per thread"):
                await asyncio.to_thread(asyncio.run, client.aclose())
            await client.units.get(sim.organization_id)
            await client.aclose()
            with pytest.raises(errors.ConfigurationError, match="the client is closed"):
                await client.units.get(sim.organization_id)

    asyncio.run(main())


async def test_an_operation_on_an_unknown_host_is_not_sent() -> None:
    service = Service(200)
    elsewhere = Group("things", "things.html").get("get", "/things", str, host="elsewhere")
    with pytest.raises(errors.ConfigurationError, match=r"^things\.get: this client knows no host 'elsewhere'$"):
        await smart_properties(service).call(elsewhere, {})
    assert service.seen == []
