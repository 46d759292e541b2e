"""Bulk deletion of alerts: what goes on the wire, its two forms, its one shot, and how the token goes."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import warnings
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from alexa_props import RetryPolicy, SmartProperties, errors
from alexa_props.errors import EndpointFailure
from alexa_props.smart_properties.alerts import Deletion
from tests.helpers import Amazon, Service, answer, login, smart_properties, virtual_time

KINDS = ("alarms", "timers", "reminders")
ONCE = RetryPolicy(max_attempts=1, max_retry_after=0)
ILL = answer(
    500,
    {
        "errors": [
            {"code": "DEVICE_NOT_REACHABLE", "endpointId": "e1", "description": "offline"},
            {"code": "INTERNAL_SERVER_ERROR", "endpointId": "e2", "description": "unexpected"},
        ]
    },
    x_amzn_RequestId="request-1",
)
FAILURES = (
    EndpointFailure("room-7", "e1", "DEVICE_NOT_REACHABLE", "offline"),
    EndpointFailure("room-7", "e2", "INTERNAL_SERVER_ERROR", "unexpected"),
)

QUERIES = [
    ("amzn1.alexa.unit.did.AB-C_1", "amzn1.alexa.unit.did.AB-C_1"),
    ("~caller", "~caller"),
    ("a/b", "a%2Fb"),
    ("a?b=c&unitId=d", "a%3Fb%3Dc%26unitId%3Dd"),
    ("a#b", "a%23b"),
    ("%2F", "%252F"),
    (" a+b ", "%20a%2Bb%20"),
    ("Zürich 部屋 🛏", "Z%C3%BCrich%20%E9%83%A8%E5%B1%8B%20%F0%9F%9B%8F"),
    ("\x00\r\n", "%00%0D%0A"),
]
NOT_IDS: list[Any] = [
    None,
    "",
    ".",
    "..",
    5,
    True,
    b"x",
    ["u"],
    "\ud800",
]


@pytest.fixture
def anyio_backend() -> object:
    return virtual_time()


def deletion(client: SmartProperties, kind: str = "alarms", unit_id: Any = "room-7") -> Deletion:
    made: Deletion = getattr(client.alerts, f"delete_{kind}")(unit_id)
    return made


async def awaited(made: Deletion) -> Any:
    return await made


async def iterated(made: Deletion) -> Any:
    return [failure async for failure in made]


FORMS = pytest.mark.parametrize("form", [awaited, iterated])
ALL_KINDS = pytest.mark.parametrize("kind", KINDS)


# On the wire


@FORMS
@ALL_KINDS
@pytest.mark.parametrize(("unit_id", "query"), QUERIES)
async def test_the_request(form: Any, kind: str, unit_id: str, query: str) -> None:
    service = Service(204)
    assert not await form(deletion(smart_properties(service), kind, unit_id))
    (seen,) = service.seen
    assert (seen.method, seen.url.raw_path.decode()) == ("DELETE", f"/v1/alerts/{kind}?unitId={query}")
    assert (seen.content, "Content-Type" in seen.headers) == (b"", False)
    assert seen.headers["Accept"] == "application/json"


@FORMS
@ALL_KINDS
@pytest.mark.parametrize("unit_id", NOT_IDS)
async def test_what_is_no_id_of_a_unit(form: Any, kind: str, unit_id: Any) -> None:
    service = Service(204)
    with pytest.raises(errors.ConfigurationError, match=r"\bunit_id\b"):
        await form(deletion(smart_properties(service), kind, unit_id))
    assert service.seen == []


@FORMS
@ALL_KINDS
async def test_an_id_that_is_too_long_for_a_url(form: Any, kind: str) -> None:
    service = Service(204)
    with pytest.raises(errors.ConfigurationError, match=rf"^alerts\.delete_{kind} cannot be sent .*too long$"):
        await form(deletion(smart_properties(service), kind, "x" * 70_000))
    assert service.seen == []


@pytest.mark.parametrize("unit_id", ["", "..", None])
def test_what_is_refused_is_refused_at_once_and_does_not_warn_besides(unit_id: Any) -> None:
    with pytest.raises(errors.ConfigurationError):
        deletion(smart_properties(Service()), unit_id=unit_id)
    gc.collect()


# The two forms


@ALL_KINDS
async def test_awaited_it_raises_what_iterated_it_streams(kind: str) -> None:
    service = Service(ILL)
    client = smart_properties(service)
    with pytest.raises(errors.EndpointFailures) as caught:
        await deletion(client, kind)
    error = caught.value
    assert tuple(error.failures) == FAILURES == tuple(await iterated(deletion(client, kind)))
    assert (error.status, error.operation, error.attempts) == (500, f"alerts.delete_{kind}", 1)
    assert error.request_id == "request-1"
    for part in (f"alerts.delete_{kind}", "room-7", "request-1", "2 endpoint(s)"):
        assert part in str(error)
    assert len(service.seen) == 2


@pytest.mark.parametrize(
    ("entry", "failure"),
    [
        ({"endpointId": "e"}, EndpointFailure("room-7", "e", None, None)),
        ({"endpointId": "e", "code": None, "description": None}, EndpointFailure("room-7", "e", None, None)),
        ({"endpointId": "e", "code": 7, "description": ["x"]}, EndpointFailure("room-7", "e", None, None)),
        ({"endpointId": "e", "code": "OF_TOMORROW", "new": {}}, EndpointFailure("room-7", "e", "OF_TOMORROW", None)),
        ({"endpointId": "é/🛏", "description": "é"}, EndpointFailure("room-7", "é/🛏", None, "é")),
    ],
)
async def test_forms_of_an_entry(entry: Any, failure: EndpointFailure) -> None:
    response = answer(500, {"errors": [entry]})
    assert await iterated(deletion(smart_properties(Service(response)))) == [failure]


WHOLE: list[tuple[Any, type[errors.AlexaError]]] = [
    (answer(400, {"errors": [{"code": "BAD_REQUEST", "description": "no"}]}), errors.BadRequest),
    (answer(401, {"errors": [{"code": "UNAUTHORIZED"}]}), errors.Unauthorized),
    (answer(401, {"errors": [{"code": "FORBIDDEN"}]}), errors.Forbidden),
    (403, errors.Forbidden),
    (404, errors.NotFound),
    (answer(429, Retry_After="1"), errors.Throttled),
    (answer(500, {"errors": [{"code": "INTERNAL_SERVER_ERROR"}]}), errors.ServerError),
    (answer(500, {"errors": [{"code": "INTERNAL_SERVER_ERROR", "endpointId": ""}]}), errors.ServerError),
    (answer(500, {"errors": [{"code": "INTERNAL_SERVER_ERROR", "endpointId": None}]}), errors.ServerError),
    (answer(500, {"errors": []}), errors.ServerError),
    (503, errors.ServerError),
    (504, errors.DeviceUnreachable),
    (answer(504, {"errors": [{"code": "DEVICE_UNREACHABLE"}]}), errors.DeviceUnreachable),
    (httpx.ConnectError, errors.TransportError),
    (httpx.ReadTimeout, errors.TransportError),
]


@FORMS
@pytest.mark.parametrize(("entry", "kind"), WHOLE)
async def test_a_failure_of_the_whole_raises_in_both_forms(
    form: Any, entry: Any, kind: type[errors.AlexaError]
) -> None:
    service = Service(entry)
    with pytest.raises(kind) as caught:
        await form(deletion(smart_properties(service, retry=ONCE)))
    assert type(caught.value) is kind
    assert "room-7" in str(caught.value)
    assert len(service.seen) == 1


@FORMS
@pytest.mark.parametrize("entry", [500, 503, 429, httpx.ConnectError, httpx.ReadTimeout])
async def test_a_failure_that_may_pass_is_tried_again(form: Any, entry: Any) -> None:
    """Deleting twice is the same as once."""
    service = Service(entry, 204)
    assert not await form(deletion(smart_properties(service)))
    assert len(service.seen) == 2


@FORMS
@pytest.mark.parametrize("status", [504, 400, 403])
async def test_a_failure_that_will_not_pass_is_not(form: Any, status: int) -> None:
    service = Service(status, 204)
    with pytest.raises(errors.ApiError):
        await form(deletion(smart_properties(service)))
    assert len(service.seen) == 1


# One shot


def starts() -> dict[str, Callable[[Deletion], Any]]:
    return {"awaited": awaited, "iterated": iterated}


@pytest.mark.parametrize("second", starts().values(), ids=starts())
@pytest.mark.parametrize("first", starts().values(), ids=starts())
async def test_it_is_one_shot_whatever_the_form(first: Any, second: Any) -> None:
    service = Service(204)
    made = deletion(smart_properties(service))
    await first(made)
    with pytest.raises(errors.ConfigurationError, match=r"^alerts\.delete_alarms\('room-7'\) .*one shot"):
        await second(made)
    assert len(service.seen) == 1


@FORMS
async def test_it_is_one_shot_when_it_failed_too(form: Any) -> None:
    service = Service(403)
    made = deletion(smart_properties(service))
    with pytest.raises(errors.Forbidden):
        await form(made)
    with pytest.raises(errors.ConfigurationError, match="one shot"):
        await form(made)
    assert len(service.seen) == 1


@ALL_KINDS
async def test_its_repr_says_what_to_do(kind: str) -> None:
    made = deletion(smart_properties(Service(204)), kind)
    assert repr(made) == (f"<alerts.delete_{kind}('room-7'), not sent yet: await it, or iterate it for the failures>")
    await made
    assert repr(made) == f"<alerts.delete_{kind}('room-7'), started>"


# Forgotten


@ALL_KINDS
async def test_one_that_is_forgotten_warns_and_sends_nothing(kind: str) -> None:
    service = Service(204)
    made = deletion(smart_properties(service), kind)
    with pytest.warns(
        RuntimeWarning,
        match=rf"^alerts\.delete_{kind}\('room-7'\) was never awaited or iterated: nothing was deleted$",
    ) as warned:
        del made
    assert len(warned) == 1
    assert service.seen == []


@FORMS
@pytest.mark.parametrize("entry", [204, 403, ILL])
async def test_one_that_was_started_does_not_warn(form: Any, entry: Any) -> None:
    made = deletion(smart_properties(Service(entry)))
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        with contextlib.suppress(errors.ApiError):
            await form(made)
        del made
        gc.collect()
    assert [str(warning.message) for warning in warned if warning.category is RuntimeWarning] == []


# How the token goes


@FORMS
@ALL_KINDS
@pytest.mark.parametrize(
    ("options", "token"),
    [
        ({}, "Bearer Atza|access-1"),
        ({"alerts_authorization": "Bearer"}, "Bearer Atza|access-1"),
        ({"alerts_authorization": "bare"}, "Atza|access-1"),
    ],
)
async def test_the_token_goes_as_the_client_was_told(form: Any, kind: str, options: Any, token: str) -> None:
    amazon = Amazon()
    client = smart_properties(amazon, auth=login(), **options)
    for used in (client, client.with_options(deadline=5)):
        await form(deletion(used, kind))
        await used.unit_settings.get_default_music_station("u")
    assert [seen.token for seen in amazon.api.seen] == [token, "Bearer Atza|access-1"] * 2


@FORMS
async def test_a_bare_token_that_is_refused_is_replaced_by_a_bare_one(form: Any) -> None:
    amazon = Amazon()
    client = smart_properties(amazon, auth=login(), alerts_authorization="bare")
    await form(deletion(client))
    amazon.revoke()
    await form(deletion(client))
    assert [seen.token for seen in amazon.api.seen] == ["Atza|access-1", "Atza|access-1", "Atza|access-2"]


async def test_no_other_auth_is_changed() -> None:
    service = Service(204)
    client = smart_properties(service, auth=httpx.BasicAuth("u", "p"), alerts_authorization="bare")
    await deletion(client)
    assert service.seen[0].token == "Basic dTpw"


class TestOnAsyncio:
    """It is awaitable, and no coroutine."""

    @pytest.fixture
    def anyio_backend(self) -> str:
        return "asyncio"

    async def test_create_task_refuses_it_and_it_is_good_for_another_use(self) -> None:
        service = Service(204)
        made = deletion(smart_properties(service))
        with pytest.raises(TypeError, match="coroutine was expected"):
            await asyncio.create_task(made)  # type: ignore[arg-type]
        assert service.seen == []
        await made
        assert len(service.seen) == 1

    async def test_gather_and_wait_for_take_it(self) -> None:
        service = Service(204, ILL, 204)
        client = smart_properties(service)
        first, second = await asyncio.gather(deletion(client), deletion(client, "timers"), return_exceptions=True)
        assert first is None
        assert isinstance(second, errors.EndpointFailures)
        assert tuple(second.failures) == FAILURES
        assert await asyncio.wait_for(deletion(client, "reminders"), 60) is None  # type: ignore[func-returns-value]
        assert [seen.url.path for seen in service.seen] == [f"/v1/alerts/{kind}" for kind in KINDS]

    async def test_ensure_future_takes_it(self) -> None:
        service = Service(204)
        await asyncio.ensure_future(deletion(smart_properties(service)))
        assert len(service.seen) == 1

    async def test_iterating_may_stop_early(self) -> None:
        service = Service(ILL)
        async for failure in deletion(smart_properties(service)):
            assert failure == FAILURES[0]
            break
        assert len(service.seen) == 1
