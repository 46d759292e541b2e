"""Bulk deletion of alerts: awaited or iterated, once, and how the token is sent."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import warnings
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


def test_rejects_a_bad_id_immediately_and_without_a_warning() -> None:
    for unit_id in ("", "..", None, 5):
        with pytest.raises(errors.ConfigurationError, match="unit_id must be an id"):
            deletion(smart_properties(Service()), unit_id=unit_id)
    gc.collect()


# The two forms


async def test_awaited_it_raises_what_iterated_it_streams() -> None:
    for kind in KINDS:
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


ENTRIES: list[tuple[Any, EndpointFailure]] = [
    ({"endpointId": "e"}, EndpointFailure("room-7", "e", None, None)),
    ({"endpointId": "e", "code": None, "description": None}, EndpointFailure("room-7", "e", None, None)),
    ({"endpointId": "e", "code": 7, "description": ["x"]}, EndpointFailure("room-7", "e", None, None)),
    ({"endpointId": "e", "code": "OF_TOMORROW", "new": {}}, EndpointFailure("room-7", "e", "OF_TOMORROW", None)),
    ({"endpointId": "é/🛏", "description": "é"}, EndpointFailure("room-7", "é/🛏", None, "é")),
]


async def test_forms_of_an_entry() -> None:
    response = answer(500, {"errors": [entry for entry, _ in ENTRIES]})
    assert await iterated(deletion(smart_properties(Service(response)))) == [failure for _, failure in ENTRIES]


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
async def test_a_failure_of_the_whole_raises_in_both_forms(form: Any) -> None:
    for entry, kind in WHOLE:
        service = Service(entry)
        with pytest.raises(kind) as caught:
            await form(deletion(smart_properties(service, retry=ONCE)))
        assert type(caught.value) is kind
        assert "room-7" in str(caught.value)
        assert len(service.seen) == 1


@FORMS
async def test_a_failure_that_may_pass_is_repeated_and_any_other_is_not(form: Any) -> None:
    """Deleting twice is the same as once."""
    for entry in (500, 503, 429, httpx.ConnectError, httpx.ReadTimeout):
        service = Service(entry, 204)
        assert not await form(deletion(smart_properties(service)))
        assert len(service.seen) == 2
    for status in (504, 400, 403):
        service = Service(status, 204)
        with pytest.raises(errors.ApiError):
            await form(deletion(smart_properties(service)))
        assert len(service.seen) == 1


# One shot


async def test_it_is_one_shot_in_either_form() -> None:
    for first, second in itertools.product((awaited, iterated), repeat=2):
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


async def test_its_repr_says_what_to_do() -> None:
    made = deletion(smart_properties(Service(204)))
    assert repr(made).startswith("<alerts.delete_alarms('room-7'), not sent yet: await it")
    await made
    assert repr(made) == "<alerts.delete_alarms('room-7'), started>"


# Forgotten


async def test_one_that_is_forgotten_warns_and_sends_nothing() -> None:
    service = Service(204)
    made = deletion(smart_properties(service))
    with pytest.warns(
        RuntimeWarning,
        match=r"^alerts\.delete_alarms\('room-7'\) was never awaited or iterated: nothing was deleted$",
    ) as warned:
        del made
    assert len(warned) == 1
    assert service.seen == []


@FORMS
async def test_one_that_was_started_does_not_warn(form: Any) -> None:
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for entry in (204, 403, ILL):
            made = deletion(smart_properties(Service(entry)))
            with contextlib.suppress(errors.ApiError):
                await form(made)
            del made
        gc.collect()
    assert [str(warning.message) for warning in warned if warning.category is RuntimeWarning] == []


# How the token goes


@pytest.mark.parametrize("authorization", [None, "Bearer", "bare"])
async def test_the_token_is_sent_as_the_client_was_told(authorization: Any) -> None:
    options = {} if authorization is None else {"alerts_authorization": authorization}
    token = "Atza|access-1" if authorization == "bare" else "Bearer Atza|access-1"
    amazon = Amazon()
    client = smart_properties(amazon, auth=login(), **options)
    for used in (client, client.with_options(deadline=5)):
        for kind in KINDS:
            await awaited(deletion(used, kind))
            await iterated(deletion(used, kind))
        await used.unit_settings.get_default_music_station("u")
    assert [seen.token for seen in amazon.api.seen] == [*[token] * 6, "Bearer Atza|access-1"] * 2


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
