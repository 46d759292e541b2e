"""Errors, settings and results can be pickled and copied. Holders of secrets refuse, and copies are the original."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Awaitable, Callable
from typing import Any

import attrs
import httpx
import pytest

from alexa_props import (
    DefaultStation,
    LoginWithAmazon,
    RateLimit,
    Region,
    RetryPolicy,
    SigV4,
    SmartProperties,
    Timeouts,
    errors,
    fleet,
)
from alexa_props.auth.authorize import Consent
from alexa_props.auth.aws_credentials import AWSCredentials
from alexa_props.settings import Secret
from tests.helpers import Amazon, Service, answer, for_business, get, login, smart_properties, virtual_time
from tests.secrets.leaks import Leaks, faces
from tests.wire import CALLS, ONCE, Clients, canned

LEAKS = Leaks(
    {
        "client secret": "secret-of-the-client",
        "refresh token": "Atzr|secret-refresh",
        "AWS secret key": "canary-aws-secret-key",
        "AWS session token": "canary-aws-session-token",
        "proxy password": "canary-proxy-password",
        "own password": "canary-own-password",
    },
    {"an access token": "Atza|"},
)
WAYS: dict[str, Callable[[Any], Any]] = {
    # Protocols differ in how they look up an object's reduction.
    "pickle 0": lambda thing: pickle.loads(pickle.dumps(thing, 0)),
    "pickle 5": lambda thing: pickle.loads(pickle.dumps(thing, 5)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


@pytest.fixture
def anyio_backend() -> object:
    return virtual_time()


# Holders of secrets

KEYS: dict[str, Any] = {"secret_key": "canary-aws-secret-key", "session_token": "canary-aws-session-token"}
HOLDERS: dict[str, Callable[[], object]] = {
    "Secret": lambda: Secret("canary-own-password"),
    "LoginWithAmazon": login,
    "SigV4": lambda: SigV4(access_key="AKIDEXAMPLE", **KEYS),
    "AWSCredentials": AWSCredentials,
    "Consent": lambda: Consent.ask(client_id="c", redirect_uri="http://127.0.0.1:1/callback"),
    "SmartProperties": lambda: smart_properties(Service(), auth=login()),
    "a view": lambda: smart_properties(Service(), auth=login()).with_options(deadline=1),
    "AlexaForBusiness": lambda: for_business(Service()),
    "a client with custom auth": lambda: smart_properties(Service(), auth=httpx.BasicAuth("me", "canary-own-password")),
    "a client with a proxy": lambda: SmartProperties(
        auth=httpx.Auth(), proxy="http://us:canary-proxy-password@127.0.0.1:9"
    ),
    "a resource": lambda: smart_properties(Service(), auth=login()).units,
    "a list of clients": lambda: [for_business(Service())],
}


@pytest.mark.parametrize("name", HOLDERS)
def test_a_holder_of_secrets_is_not_pickled_and_shows_none(name: str) -> None:
    holder = HOLDERS[name]()
    assert LEAKS.check(faces(holder)) == 4
    LEAKS.check((f"attribute {key}", repr(value)) for key, value in _attributes(holder).items())
    for way, again in WAYS.items():
        if "pickle" in way:
            with pytest.raises(TypeError, match="cannot be pickled, because it may hold secrets: create one where"):
                again(holder)
        else:
            copied = again(holder)
            LEAKS.check(faces(copied))
            # The very same, or the same in another wrapping.
            assert copied is holder or name in {"a resource", "a list of clients", "Consent"}


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_copy_of_a_client_is_the_client(anyio_backend: str) -> None:
    service = Service()
    async with smart_properties(service) as client:
        for way in (copy.copy, copy.deepcopy):
            await get(way({"client": client})["client"])
    assert (len(service.seen), service.closed) == (2, 1)


def _attributes(thing: object) -> dict[str, object]:
    if attrs.has(type(thing)):
        return attrs.asdict(thing)  # type: ignore[arg-type]  # `has` said so
    return dict(getattr(thing, "__dict__", {}))


async def test_a_client_that_has_worked_shows_no_token() -> None:
    amazon = Amazon()
    amazon.rotate = True
    auth = login()
    async with smart_properties(amazon, auth=auth) as asp:
        await get(asp)
        for thing in (auth, asp, asp.units, asp.pipeline, asp.limits, vars(auth), vars(asp)):
            LEAKS.check(faces(thing))
        with pytest.raises(TypeError, match="LoginWithAmazon cannot be pickled"):
            pickle.dumps(auth)


async def test_a_view_has_all_that_its_client_has() -> None:
    client = smart_properties(Service(None), alerts_authorization="bare")
    view = client.with_options(deadline=5.0)
    assert type(view) is SmartProperties
    assert vars(view).keys() == vars(client).keys()
    assert await get(view) is not None
    await client.aclose()
    with pytest.raises(errors.ConfigurationError, match="closed"):
        await get(view)


# Errors, as they are raised


def same(error: errors.AlexaError, again: errors.AlexaError) -> None:
    assert type(again) is type(error)
    assert again is not error
    assert str(again) == str(error)
    assert again.args == error.args
    assert vars(again) == vars(error)
    assert again.resume_token == error.resume_token


async def test_errors_of_the_service() -> None:
    for status in (302, 400, 401, 403, 404, 409, 429, 500, 504):
        async with canned(status, {"message": "no", "code": "SOME_CODE"}) as on:
            for name in ("units.list", "endpoints.get", "devices.get"):
                with pytest.raises(errors.ApiError) as caught:
                    await CALLS[name](on)
                caught.value.add_note("a note of the caller's")
                for way in WAYS.values():
                    again = way(caught.value)
                    same(caught.value, again)
                    assert again.__notes__ == ["a note of the caller's"]


async def paging(on: Clients) -> None:
    async for _ in on.asp.units.list("u"):
        pass


def builds(auth: LoginWithAmazon | httpx.Auth, *script: Any, **options: Any) -> Clients:
    asp = smart_properties(Service(*script), auth=auth, retry=ONCE, **options)
    return Clients(asp, for_business(Service(*script), retry=ONCE))


OTHERS: dict[str, tuple[type[errors.AlexaError], Callable[[], Awaitable[Any]]]] = {
    "transport": (errors.TransportError, lambda: get(builds(httpx.Auth(), httpx.ReadError).asp)),
    "connect": (errors.TransportError, lambda: get(builds(login(), httpx.ConnectError).asp)),
    "token": (
        errors.AuthenticationError,
        lambda: get(builds(login(), answer(400, {"error": "invalid_grant", "error_description": "no"})).asp),
    ),
    "decode": (errors.DecodeError, lambda: get(builds(httpx.Auth(), answer(200, [])).asp)),
    "deadline": (errors.DeadlineExceeded, lambda: get(builds(httpx.Auth()).asp.with_options(deadline=0))),
    "rate": (
        errors.RateLimitTooLong,
        lambda: _twice(builds(httpx.Auth(), rate_limit=RateLimit(per_second=0.01, max_wait=0)).asp),
    ),
    "configuration": (errors.ConfigurationError, lambda: get(builds(httpx.Auth()).asp, "..")),
    "devices": (
        errors.EndpointFailures,
        lambda: CALLS["alerts.delete_alarms"](
            builds(httpx.Auth(), answer(500, {"errors": [{"endpointId": "e", "code": "C", "description": "d"}]}))
        ),
    ),
    "page": (
        errors.ServerError,
        lambda: paging(
            builds(httpx.Auth(), answer(200, {"results": [], "paginationContext": {"nextToken": "t"}}), answer(500))
        ),
    ),
    "steps": (fleet.StepsFailed, lambda: _steps(builds(httpx.Auth(), 403))),
}


async def _twice(asp: SmartProperties) -> None:
    await get(asp)
    await get(asp)


async def _steps(on: Clients) -> None:
    steps = await fleet.reset_room(on.asp, "room", fleet.RoomDefaults(volume=30))
    steps.raise_for_failures()


@pytest.mark.parametrize("name", OTHERS)
async def test_other_errors(name: str) -> None:
    kind, cause = OTHERS[name]
    with pytest.raises(kind) as caught:
        await cause()
    for way in WAYS.values():
        again = way(caught.value)
        assert again.__cause__ is None
        if name == "page":
            assert again.resume_token == "t"
        if name == "steps":
            assert str(again) == str(caught.value)
        else:
            same(caught.value, again)
    LEAKS.check(iter([("pickle", pickle.dumps(caught.value).decode("latin-1"))]))


async def test_outcomes_and_reports() -> None:
    on = builds(login(), answer(403, {"message": "no"}))
    report = await fleet.collect(lambda room: get(on.asp, room), ["room-1", "room-2"])
    for way in WAYS.values():
        again = way(report)
        assert {outcome.key for outcome in again.failed} == {"room-1", "room-2"}
        assert [type(outcome.error) for outcome in again.failed] == [type(outcome.error) for outcome in report.failed]
        assert str(again) == str(report)


def test_settings_and_models() -> None:
    for thing in (RetryPolicy(), RateLimit(per_second=5.0, scope="x"), Timeouts(), Region.EU, DefaultStation("P", "s")):
        for way in WAYS.values():
            assert way(thing) == thing
