"""Anything from a service, a proxy or a disk is read as a model, or raises an `AlexaError`, and nothing else.

Each run tries other responses. A failure prints how to reproduce it.
"""

from __future__ import annotations

import copy
import datetime as dt
import enum
import functools
import json
import pickle
import types
import typing
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import anyio
import attrs
import httpx
import pytest
import typer
from hypothesis import example, given
from hypothesis import strategies as st

from alexa_props import AlexaForBusiness, Limits, RateLimit, RetryPolicy, SmartProperties, errors, fleet
from alexa_props.auth.authorize import Consent
from alexa_props.cli import client as cli_client
from alexa_props.cli import credentials
from alexa_props.cli.room_list import read_rooms
from alexa_props.paging import Page
from alexa_props.responses import parse_retry_after
from alexa_props.settings import Secret
from alexa_props.simulator import Simulator
from alexa_props.smart_properties.batch import read_batch
from alexa_props.smart_properties.endpoint_settings import Setting
from alexa_props.smart_properties.endpoints import Feature
from alexa_props.smart_properties.users import CreatedUser
from tests import loops
from tests.helpers import Amazon, Service, get, login, smart_properties
from tests.property.nonsense import HEADERS, TEXT, VALUES, bodies, encoded, fuzz, spoiled
from tests.wire import CALLS, CLASSES, ONCE, OPERATIONS, WIRE, Clients, clients

FACTS = Path(__file__).parents[1] / "conformance" / "facts" / "smart_properties.json"
LONGEST_MESSAGE = 2500
ERRORS: list[Any] = [
    {"type": "FORBIDDEN", "message": "said"},
    {"errors": [{"code": "DEVICE_UNREACHABLE", "endpointId": "e1", "description": "offline"}, {"code": "OTHER"}]},
    {"__type": "com.amazonaws.a4b#RequestExpired:http://internal/", "Message": "said"},
    {"error": "invalid_grant", "error_description": "said"},
]
STATUSES = st.one_of(
    st.sampled_from((200, 200, 200, 201, 204, 207, 304, 400, 401, 429, 500, 504)), st.integers(100, 599)
)


# What may come out


def is_of(value: Any, declared: Any) -> bool:
    """Whether a value is what an annotation says."""
    origin, arguments = typing.get_origin(declared), typing.get_args(declared)
    if declared is Any or origin is typing.ClassVar:
        return True
    if origin in (typing.Union, types.UnionType):
        return any(is_of(value, each) for each in arguments)
    if origin is tuple:
        return isinstance(value, tuple) and all(is_of(each, arguments[0]) for each in value)
    if origin is dict:
        return isinstance(value, dict) and all(isinstance(key, str) for key in value)
    if isinstance(declared, typing.NewType):
        return is_of(value, declared.__supertype__)
    if declared is None or declared is type(None):
        return value is None
    if declared is dt.datetime:
        return isinstance(value, dt.datetime) and value.tzinfo is dt.UTC
    if attrs.has(declared):
        return isinstance(value, declared) and is_sound(value)
    # An open enum keeps what it does not know as a string; true is no number.
    exact = type(value) is declared
    return exact or (isinstance(declared, type) and issubclass(declared, enum.Enum) and isinstance(value, declared))


_hints: Callable[[Any], dict[str, Any]] = functools.cache(typing.get_type_hints)


def is_sound(model: Any) -> bool:
    """Whether a model is what its class says, all the way down."""
    hints = _hints(type(model))
    return all(is_of(getattr(model, field.name), hints[field.name]) for field in attrs.fields(type(model)))


def check_result(result: Any) -> None:
    """A result can be shown, compared, copied, pickled and taken apart."""
    items = result.items if isinstance(result, Page) else [result]
    for item in items:
        if attrs.has(type(item)):
            assert is_sound(item), item
            attrs.asdict(item)
        if isinstance(item, Feature):
            assert item.volume is None or type(item.volume) is int
            assert item.reachability is None or type(item.reachability) is str
    if isinstance(result, Page):
        assert is_of(result.next_token, str | None)
        assert is_of(result.total_count, int | None)
        assert result.next_token != ""
    if isinstance(result, CreatedUser):
        # It holds secrets.
        with pytest.raises(TypeError, match="cannot be pickled"):
            pickle.dumps(result)
        return
    again = pickle.loads(pickle.dumps(result))
    # What is no number is not equal to itself, and a free member may hold it.
    assert again == result == copy.copy(result) or "nan" in repr(getattr(result, "items", result))
    assert repr(copy.deepcopy(result)) == repr(again) == repr(result)


def check_error(error: errors.AlexaError) -> None:
    """An error is one printable line of bounded length, and can be pickled."""
    for text in (str(error), *(text for text in vars(error).values() if isinstance(text, str))):
        # A token to resume at is the service's, and goes back to it as it came.
        assert text.isprintable() or text == error.resume_token, text
    assert 0 < len(str(error)) < LONGEST_MESSAGE
    if isinstance(error, errors.EndpointFailures):
        assert error.failures
        for failure in error.failures:
            assert is_sound(failure)
            assert all(text is None or text.isprintable() for text in (failure.code, failure.description))
    if isinstance(error, errors.ApiError):
        assert str(error.status) in str(error) or isinstance(error, errors.EndpointFailures)
        assert error.operation is not None
        assert error.operation in str(error)
        assert error.retry_after is None or 0 <= error.retry_after <= 1e9
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again)) == (type(error), str(error))


def attempt(function: Callable[[], Any], *kinds: type[Exception]) -> Any:
    """What a function gives, or the exception of one of these kinds."""
    try:
        return function()
    except kinds as error:
        return error


def outcome(call: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """What came of it, after a look at it: a result, or an `AlexaError`."""
    result = attempt(lambda: loops.run(lambda _: call()), errors.AlexaError)
    if isinstance(result, errors.AlexaError):
        check_error(result)
    else:
        check_result(result)
    return result


# Operations

SAME_MODEL = ("features.get_speaker", "features.get_bluetooth")
READERS = [name for name in CALLS if WIRE[name].response is not None and name not in SAME_MODEL]
REPRESENTATIVES = [*dict.fromkeys((*CLASSES.values(), *READERS))]
"""One operation of each class, and one for each model."""


@functools.cache
def documents() -> dict[str, list[Any]]:
    """Return the documented examples of each operation and the response of the simulator, with long lists cut short."""
    facts = json.loads(FACTS.read_text())["operations"]
    found: dict[str, list[Any]] = {name: [] for name in CALLS}
    for operation in facts:
        found.get(operation["client_name"], []).extend(operation["response_examples"].values())

    async def ask() -> None:
        heard: list[httpx.Response] = []
        async with Simulator(rooms=2, seed=5) as sim:
            way_in = sim.transport()

            class Recorder(httpx.AsyncBaseTransport):
                async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                    heard.append(await way_in.handle_async_request(request))
                    return heard[-1]

            on = clients(sim)
            on = attrs.evolve(
                on, a4b=sim.for_business(transport=Recorder()), asp=sim.smart_properties(transport=Recorder())
            )
            for name, action in CALLS.items():
                await action(on)
                if heard[-1].content:
                    found[name].append(_short(heard[-1].json()))

    loops.run(lambda _: ask())
    return found


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _short(member) for name, member in value.items()}
    return [_short(each) for each in value[:2]] if isinstance(value, list) else value


def answering(status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> Clients:
    """Return clients whose service always sends this response."""
    return over(httpx.MockTransport(lambda _: httpx.Response(status, headers=headers, content=body)))


def over(transport: httpx.AsyncBaseTransport) -> Clients:
    auth = httpx.BasicAuth("anybody", "anything")
    asp = SmartProperties(auth=auth, transport=transport, retry=ONCE, rate_limit=RateLimit(per_second=1e6))
    a4b = AlexaForBusiness(auth=auth, transport=transport, retry=ONCE, rate_limit=RateLimit(per_second=1e6))
    return Clients(asp, a4b, spare=["room-2", "room-3"])


@pytest.mark.apart
@pytest.mark.parametrize("name", REPRESENTATIVES)
@fuzz(10)
@given(data=st.data(), status=STATUSES, headers=HEADERS)
def test_an_operation_returns_a_model_or_raises_an_error_whatever_it_receives(
    name: str, data: st.DataObject, status: int, headers: list[tuple[bytes, bytes]]
) -> None:
    document = data.draw(st.sampled_from([*documents()[name] * 3, *ERRORS]))
    body = data.draw(bodies(document), label="body")

    async def call() -> Any:
        on = answering(status, headers, body)
        return await CALLS[name](on)

    async def iterate() -> Any:
        on = answering(status, headers, body)
        # Always the same page: it ends, or goes in a circle, which is noticed.
        return tuple([item async for item in CALLS[name](on)])  # type: ignore[attr-defined]

    async def limits() -> str:
        on = answering(status, headers, body)
        with pytest.raises(errors.AlexaError):
            await CALLS[name](on)
        return (on.asp.limits or on.a4b.limits).to_json()

    result = outcome(call)
    if name.startswith("alerts.") or name in ("units.list", "endpoints.list") or name.endswith(("search", "events")):
        outcome(iterate)
    if isinstance(result, errors.Throttled):
        assert Limits.from_json(loops.run(lambda _: limits()))


@pytest.mark.apart
@pytest.mark.parametrize("name", [*READERS, "alerts.delete_alarms"])
def test_each_of_the_worst_values_in_every_place_is_a_model_or_an_error(name: str) -> None:
    served: list[bytes] = []
    # Out here: it runs an event loop, unless another test has asked before.
    found = documents()[name]

    async def call() -> None:
        transport = httpx.MockTransport(lambda _: httpx.Response(200, content=served[-1]))
        on = over(transport)
        for document in found:
            for body in spoiled(document):
                served.append(body)
                try:
                    check_result(await CALLS[name](attrs.evolve(on, spare=["room-2"])))
                except errors.AlexaError as error:
                    check_error(error)

    loops.run(lambda _: call())


@pytest.mark.parametrize("number", [b"NaN", b"-Infinity", b"1e999"])
async def test_a_number_that_is_not_finite_is_no_text(number: bytes) -> None:
    with pytest.raises(errors.DecodeError, match=r"a string was expected, not a number @ Unit\.id"):
        await answering(200, [], b'{"id": ' + number + b"}").asp.units.get("unit")


def test_there_are_documents_of_every_operation_that_returns_something() -> None:
    assert {name for name, found in documents().items() if found} >= {
        name for name, operation in OPERATIONS.items() if operation.model not in (None, read_batch)
    } | {name for name in CALLS if name not in OPERATIONS}


@pytest.mark.parametrize("kind", [bool, int, float, str, tuple, dict])
@fuzz(15)
@given(data=st.data(), value=VALUES)
def test_a_setting_has_a_value_of_its_kind_or_an_error(kind: type, data: st.DataObject, value: Any) -> None:
    setting: Any = data.draw(st.sampled_from([each for each in Setting.ALL if each.kind is kind]))

    async def one() -> Any:
        on = answering(200, [], encoded(value))
        return await on.asp.endpoint_settings.get("endpoint-1", setting)

    async def many() -> Any:
        on = answering(200, [], encoded({"settings": [{"key": setting.key, "value": value}]}))
        return (await on.asp.endpoint_settings.get_many("endpoint-1", [setting]))[setting]

    for read in (one, many):
        result = outcome(read)
        if not isinstance(result, errors.AlexaError | None):
            assert isinstance(result, setting.kind)
            assert setting.kind is bool or not isinstance(result, bool)
            assert not isinstance(result, tuple) or all(type(each) is str or each in setting.choices for each in result)


# Headers


@fuzz(50)
@given(text=st.one_of(TEXT, st.from_regex(r"\A[A-Z][a-z]{2}, \d{1,2} Jan \d{1,5}.{0,15}\Z")), date=TEXT)
@example(text="1e300", date="")
@example(text="nan", date="")
@example(text="-1", date="")
@example(text="Fri, 31 Dec 9999 23:59:59 GMT", date="")
def test_a_wait_that_is_asked_for_is_none_or_bounded(text: str, date: str) -> None:
    pairs = (("retry-after", text), ("date", date))
    raw = [(name.encode(), value.encode("utf-8", "surrogatepass")) for name, value in pairs]
    seconds = parse_retry_after(httpx.Response(429, headers=raw))
    assert seconds is None or 0 <= seconds <= 1e9


@fuzz(40)
@given(headers=HEADERS, status=st.sampled_from((429, 503)))
def test_a_call_ends_in_bounded_time_whatever_wait_is_asked_for(
    headers: list[tuple[bytes, bytes]], status: int
) -> None:
    async def call(loop: loops.JumpingLoop) -> float:
        service = Service(httpx.Response(status, headers=headers))
        client = smart_properties(service, retry=RetryPolicy(max_attempts=3))
        with pytest.raises(errors.AlexaError) as caught:
            await get(client)
        check_error(caught.value)
        return loop.now

    # Two waits of at most `max_retry_after`, with jitter.
    assert loops.run(call) < 2 * 2 * RetryPolicy().max_retry_after


# Tokens


GRANT = {"access_token": "Atza|given", "refresh_token": "Atzr|given", "token_type": "bearer", "expires_in": 3600}


@fuzz(50)
@given(data=st.data(), status=STATUSES, headers=HEADERS)
def test_the_token_endpoint_returns_a_token_or_an_error_without_secrets(
    data: st.DataObject, status: int, headers: list[tuple[bytes, bytes]]
) -> None:
    body = data.draw(bodies(data.draw(st.sampled_from([GRANT, GRANT, ERRORS[3]]))), label="body")

    async def call() -> Any:
        amazon = Amazon()
        amazon.token = Service(httpx.Response(status, headers=headers, content=body))
        amazon.api = Service()
        return await get(smart_properties(amazon, auth=login(), retry=ONCE))

    result = outcome(call)
    if isinstance(result, errors.AlexaError):
        assert isinstance(result, errors.AuthenticationError)
        for secret in ("Atza|given", "Atzr|given", "secret-refresh", "secret-of-the-client"):
            assert secret not in str(result)


CONSENT = Consent.ask(client_id="client", redirect_uri="http://127.0.0.1:8766/callback")
STATE = CONSENT.state.reveal()


@fuzz(50)
@given(parts=st.lists(st.tuples(st.sampled_from(("code", "error", "error_description", "state")), TEXT), max_size=4))
@example([("error", "\x1b[2J"), ("error_description", "\ud800")])
@example([("state", "\udfff")])
def test_the_query_of_a_browser_is_a_code_or_an_error(parts: list[tuple[str, str]]) -> None:
    query = "&".join(f"{name}={value}" for name, value in parts)
    for answer in (query, f"state={STATE}&{query}", f"{query}&state={STATE}"):
        code = attempt(functools.partial(CONSENT.code, answer), errors.AuthenticationError)
        if isinstance(code, errors.AuthenticationError):
            check_error(code)
        else:
            assert code
            assert isinstance(code, Secret)


# Files


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that only its owner can read, for one example after the other."""
    path = tmp_path_factory.mktemp("private") / "file"
    path.touch(mode=0o600)
    return path


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The journal of a run that ended."""
    path = tmp_path_factory.mktemp("journal") / "journal.db"
    anyio.run(_run, path, [])
    return path


LEARNED = {
    "units.list": {"rate": 7.5, "ceiling": 8, "paused_until": "2026-01-02T03:04:05+00:00"},
    "units.get": {"rate": 1, "ceiling": None, "paused_until": None},
}


@fuzz(50)
@given(content=bodies(LEARNED))
@example(b'{"units.list": {"rate": 1e308, "ceiling": null, "paused_until": "9999-12-31T23:59:59-23:59"}}')
@example(b'{"units.list": {"rate": 1e-308, "ceiling": 1e-308, "paused_until": "0001-01-01T00:00:00+23:59"}}')
def test_limits_from_a_file_are_refused_or_can_be_used(content: bytes) -> None:
    limits = attempt(lambda: Limits.from_json(content), errors.ConfigurationError)
    if isinstance(limits, errors.ConfigurationError):
        check_error(limits)
        return
    assert Limits.from_json(limits.to_json()) == limits

    async def call() -> Any:
        client = smart_properties(Service(httpx.Response(200, json={"results": []})), limits=limits, rate_limit=None)
        return await client.with_options(max_wait=60, deadline=60).units.list("org")

    outcome(call)


KEPT = {
    "client_id": "client",
    "client_secret": "secret-of-the-client",
    "refresh_token": "Atzr|secret-refresh",
    "region": "EU",
    "base_url": "https://api.example/",
    "token_url": "https://token.example/",
}


@fuzz(50)
@given(content=bodies(KEPT))
def test_a_file_of_credentials_is_refused_or_makes_a_client(content: bytes, path: Path) -> None:
    path.write_bytes(content)
    made = attempt(lambda: cli_client.smart_properties(credentials.find(path)), errors.ConfigurationError)
    if isinstance(made, errors.ConfigurationError):
        check_error(made)
        assert "secret" not in str(made).replace("client_secret", "")
    else:
        assert isinstance(made, SmartProperties)


@fuzz(50)
@given(
    lines=st.lists(st.lists(TEXT, max_size=4), max_size=4),
    separator=st.sampled_from(",;\t\n\r\x00"),
    junk=st.binary(max_size=4),
)
@example(lines=[["x" * 200_000]], separator=",", junk=b"")
@example(lines=[['[{"unit_id": "a"}', '{"unit_id": ']], separator=",", junk=b"")
@example(lines=[["[" * 200_000]], separator=",", junk=b"")
def test_a_list_of_rooms_is_refused_or_read(lines: list[list[str]], separator: str, junk: bytes, path: Path) -> None:
    """Whatever a spreadsheet wrote. Called as the command does: it prints what is refused, and ends."""
    for heading in ("", "unit_id\n", "Unit ID,name\n", "room,property\n"):
        text = heading + "\n".join(separator.join(line) for line in lines)
        path.write_bytes(text.encode("utf-8", "surrogatepass") + junk)
        entries = attempt(lambda: read_rooms(str(path)).entries, typer.BadParameter)
        if isinstance(entries, typer.BadParameter):
            assert str(path) in str(entries)
        else:
            assert all(entry.text and entry.text.isprintable() for entry in entries)


JUNK = st.one_of(st.binary(min_size=1, max_size=8), st.sampled_from((b"\0" * 512, b"\xff" * 64)))


@fuzz(40)
@given(
    # The headers of the file and of its pages are where it hurts most.
    scratches=st.lists(st.tuples(st.one_of(st.integers(0, 120), st.integers(0, 20_000)), JUNK), max_size=4),
    left=st.one_of(st.none(), st.integers(0, 20_000)),
)
def test_a_journal_that_a_disk_has_damaged_is_refused_or_as_good_as_before(
    scratches: list[tuple[int, bytes]], left: int | None, journal: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = bytearray(journal.read_bytes())
    for place, junk in scratches:
        at = place % len(content)
        content[at : at + len(junk)] = junk
    content = content[:left]
    damaged = tmp_path_factory.mktemp("damaged") / "damaged.db"
    damaged.write_bytes(content)
    sent: list[str] = []
    report = attempt(lambda: anyio.run(_run, damaged, sent), errors.ConfigurationError, errors.JournalError)
    if isinstance(report, errors.AlexaError):
        assert "damaged.db" in str(report)
        assert sent == []
    elif content:
        assert sent == []
        assert {outcome.key for outcome in report.failed} == {item for item in ITEMS if item.endswith("7")}
        assert len(report) + report.skipped == len(ITEMS)


ITEMS = [f"room-{number}" for number in range(40)]


async def _run(journal: Path, sent: list[str]) -> fleet.FleetReport[str, None]:
    async def call(item: str) -> None:
        sent.append(item)
        if item.endswith("7"):
            raise errors.NotFound("there is no such room", status=404)

    return await fleet.collect(call, ITEMS, journal=journal, job="job")
