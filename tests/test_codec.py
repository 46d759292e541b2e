"""Wire to model and back: lenient about what is new, strict if a guess would hide an error."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import attrs
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alexa_props import errors
from alexa_props.codec import Lenient, Timestamp, camel, pascal
from alexa_props.for_business import devices, users
from alexa_props.for_business.devices import ConnectionStatus, Device, DeviceData, DeviceEvent, DeviceStatusInfo
from alexa_props.for_business.protocol import codec as aws
from alexa_props.responses import parse_http_date, parse_json, parse_retry_after
from alexa_props.smart_properties import endpoints
from alexa_props.smart_properties.endpoints import Endpoint, Feature, FeatureProperty
from alexa_props.smart_properties.protocol import codec as rest
from alexa_props.smart_properties.unit_settings import DefaultStation
from alexa_props.smart_properties.units import Unit
from tests.helpers import Service, for_business, smart_properties

UTC = dt.UTC


def event(value: Any) -> DeviceEvent:
    return aws.structure({"Timestamp": value}, DeviceEvent)


def test_names() -> None:
    assert (camel("endpoint_id"), camel("id"), camel("mac_address")) == ("endpointId", "id", "macAddress")
    assert (pascal("device_arn"), pascal("mac_address")) == ("DeviceArn", "MacAddress")


# Forward compatible


def test_unknown_members_are_ignored_everywhere() -> None:
    wire = {"DeviceArn": "a", "New": {"x": [1]}, "DeviceStatusInfo": {"ConnectionStatus": "ONLINE", "Newer": 1}}
    assert aws.structure(wire, Device) == Device(
        device_arn="a", device_status_info=DeviceStatusInfo(connection_status=ConnectionStatus.ONLINE)
    )


def test_known_enum_values_are_members_and_unknown_ones_strings() -> None:
    info = aws.structure({"ConnectionStatus": "ONLINE"}, DeviceStatusInfo)
    assert info.connection_status is ConnectionStatus.ONLINE
    info = aws.structure({"ConnectionStatus": "HALF_OPEN"}, DeviceStatusInfo)
    assert info.connection_status == "HALF_OPEN"
    assert type(info.connection_status) is str
    assert aws.structure({"ConnectionStatus": 7}, DeviceStatusInfo).connection_status == "7"
    assert aws.structure({"ConnectionStatus": ""}, DeviceStatusInfo).connection_status == ""


def test_null_means_absent() -> None:
    models: list[type[Any]] = [Device, DeviceData, DeviceEvent, DeviceStatusInfo, users.User]
    for model in models:
        wire: dict[str, Any] = {pascal(field.name): None for field in attrs.fields(model)}
        assert aws.structure(wire, model) == model()
    wire = {camel(field.name): None for field in attrs.fields(Endpoint)} | {"id": "e"}
    assert rest.structure(wire, Endpoint) == Endpoint("e")


def test_numbers_for_strings_and_strings_for_numbers() -> None:
    assert rest.structure({"providerId": "TUNEIN", "stationId": 4802}, DefaultStation).station_id == "4802"
    assert rest.structure({"id": "u", "level": "2"}, Unit).level == 2
    assert rest.structure({"id": "u", "level": 2.0}, Unit).level == 2


# Unions of scalars, and lists


@attrs.frozen
class Loose:
    some_value: int | str | None = None
    flag_or_number: bool | float = False
    texts: tuple[str, ...] = ()


@pytest.mark.parametrize("value", [5, -1, "5", "", None], ids=repr)
def test_a_member_that_is_a_number_or_text_is_what_json_says(value: object) -> None:
    read = rest.structure({"someValue": value}, Loose).some_value
    assert (read, type(read)) == (value, type(value))
    assert rest.unstructure(Loose(value)) == {  # type: ignore[arg-type]
        **({} if value is None else {"someValue": value}),
        "flagOrNumber": False,
        "texts": [],
    }


def test_a_member_that_is_none_of_its_types_is_named() -> None:
    for value, said in ((True, "not a boolean"), (1.5, "not a number"), ([], "not an array"), ({}, "not an object")):
        with pytest.raises(errors.DecodeError, match=rf"a whole number or a string was expected, {said} @ Loose\.some"):
            rest.structure({"someValue": value}, Loose)
    for value in (True, 1, 1.5):
        assert rest.structure({"flagOrNumber": value}, Loose).flag_or_number is value
    with pytest.raises(errors.DecodeError, match=r"a boolean or a number was expected, not null"):
        rest.structure({"flagOrNumber": None}, Loose)


def test_an_empty_list_is_written() -> None:
    """It clears a list."""
    assert rest.unstructure(Loose())["texts"] == []
    assert aws.unstructure(Loose())["Texts"] == []


# Timestamps

MOMENT = dt.datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


MOMENTS: list[object] = [
    1700000000,
    1700000000.0,
    "1700000000",
    "1.7E9",
    "2023-11-14T22:13:20Z",
    "2023-11-14T22:13:20+00:00",
    "2023-11-14T23:13:20+01:00",
    "2023-11-14T22:13:20",
    "2023-11-14 22:13:20.000Z",
    "Tue, 14 Nov 2023 22:13:20 GMT",
    "Tue, 14 Nov 2023 17:13:20 -0500",
    "Tue, 14 Nov 2023 22:13:20 -0000",
]


def test_timestamps() -> None:
    for wire in MOMENTS:
        moment = event(wire).timestamp
        assert moment == MOMENT, wire
        assert moment is not None
        assert moment.tzinfo is UTC


def test_fractions_of_a_second() -> None:
    assert event(1700000000.25).timestamp == MOMENT.replace(microsecond=250_000)
    assert event("2023-11-14T22:13:20.25Z").timestamp == MOMENT.replace(microsecond=250_000)


NO_TIMES: list[object] = [
    1700000000000,
    "1700000000000",
    "1711111000000",  # would read as the 10th of November 1711
    -1e18,
    1e999,
    "nan",
    "",
    "soon",
    "2023-13-45T00:00:00Z",
    "0001-01-01T00:00:00+01:00",
    "Fri, 31 Dec 9999 23:59:59 -0100",
    True,
    [],
    {},
    [[[[[[[[]]]]]]]],
    "long" * 10_000,
]


def test_a_value_that_is_no_time_is_named() -> None:
    for wire in NO_TIMES:
        with pytest.raises(errors.DecodeError, match=r"is not a time.* @ DeviceEvent\.Timestamp") as caught:
            event(wire)
        assert len(str(caught.value)) < 200


@given(st.one_of(st.text(max_size=40), st.floats(), st.integers(), st.from_regex(r"[A-Z][a-z]{2}, .{0,30}")))
@settings(derandomize=True, deadline=None)
def test_no_timestamp_escapes_as_another_error(wire: object) -> None:
    try:
        moment = event(wire).timestamp
    except errors.DecodeError:
        return
    assert moment is not None
    assert moment.tzinfo is UTC


# Errors


FAULTS_OF_BUSINESS: list[tuple[type[Any], object, str]] = [
    (Device, {"DeviceName": True}, "a string was expected, not a boolean @ Device.DeviceName"),
    (Device, {"DeviceName": {}}, "a string was expected, not an object @ Device.DeviceName"),
    (Device, {"DeviceStatus": ["READY"]}, "a string was expected, not an array @ Device.DeviceStatus"),
    (Device, {"DeviceStatusInfo": "OK"}, "an object was expected, not a string @ Device.DeviceStatusInfo"),
    (
        Device,
        {"DeviceStatusInfo": {"DeviceStatusDetails": [{}, {"Code": {}}]}},
        "not an object @ Device.DeviceStatusInfo.DeviceStatusDetails[1].Code",
    ),
    (
        Device,
        {"DeviceStatusInfo": {"DeviceStatusDetails": 7}},
        "an array was expected, not a number @ Device.DeviceStatusInfo.DeviceStatusDetails",
    ),
    (Device, [], "an object was expected, not an array @ Device"),
    (Device, None, "an object was expected, not null @ Device"),
    (Device, "x", "an object was expected, not a string @ Device"),
]


def test_an_invalid_member_of_alexa_for_business_is_named() -> None:
    for model, wire, place in FAULTS_OF_BUSINESS:
        with pytest.raises(errors.DecodeError) as caught:
            aws.structure(wire, model)
        assert place in str(caught.value)


FAULTS: list[tuple[type[Any], object, str]] = [
    (Unit, {}, "a required member is missing @ Unit.id"),
    (Unit, {"id": None}, "a string was expected, not null @ Unit.id"),
    (Unit, {"id": "u", "level": 1.5}, "a whole number was expected, not 1.5 @ Unit.level"),
    (Unit, {"id": "u", "level": 1e999}, "a whole number was expected, not inf @ Unit.level"),
    (Unit, {"id": "u", "level": True}, "a whole number was expected, not a boolean @ Unit.level"),
    (Unit, {"id": "u", "level": "two"}, "'two' @ Unit.level"),
    (Unit, {"id": "u", "name": "Room 7"}, '"PLAIN", "value": {"text": …}} was expected @ Unit.name'),
    (Unit, {"id": "u", "name": {"type": "PLAIN", "value": {}}}, "was expected @ Unit.name"),
    (Unit, {"id": "u", "name": {"type": "PLAIN", "value": {"text": None}}}, "was expected @ Unit.name"),
    (Endpoint, {"id": "e", "features": [{"properties": [{"name": []}]}]}, "@ Endpoint.features[0].properties[0]"),
]


def test_an_invalid_member_is_named() -> None:
    for model, wire, place in FAULTS:
        with pytest.raises(errors.DecodeError) as caught:
            rest.structure(wire, model)
        assert place in str(caught.value)


def test_all_faults_are_named() -> None:
    with pytest.raises(errors.DecodeError, match=r"Unit\.name.*; .*Unit\.level"):
        rest.structure({"id": "u", "name": 7, "level": "x"}, Unit)


def test_lists() -> None:
    assert rest.structure_all(None, Unit) == ()
    assert rest.structure_all([{"id": "a"}, {"id": "b"}], Unit) == (Unit("a"), Unit("b"))
    with pytest.raises(errors.DecodeError, match=r"\[1\]"):
        rest.structure_all([{"id": "a"}, 7], Unit)
    with pytest.raises(errors.DecodeError, match="an array was expected, not an object"):
        rest.structure_all({}, Unit)


# There and back

TEXT = st.text(min_size=1, max_size=8)
TIME = st.datetimes(min_value=dt.datetime(2001, 1, 1), max_value=dt.datetime(2100, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001 - hypothesis adds the zone
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
)
OPTIONAL_TEXT = st.one_of(st.none(), TEXT)
DEVICES = st.builds(
    Device,
    device_arn=OPTIONAL_TEXT,
    device_name=OPTIONAL_TEXT,
    device_status=st.one_of(st.none(), st.sampled_from(devices.DeviceStatus), st.just("SOMETHING_NEW")),
    device_status_info=st.one_of(
        st.none(),
        st.builds(
            DeviceStatusInfo,
            device_status_details=st.lists(st.builds(devices.DeviceStatusDetail), max_size=2).map(tuple),
            connection_status=st.sampled_from(ConnectionStatus),
            connection_status_updated_time=TIME,
        ),
    ),
    network_profile_info=st.none(),
)
ENDPOINTS = st.builds(
    Endpoint,
    id=TEXT,
    friendly_name=OPTIONAL_TEXT,
    connections=st.lists(st.builds(endpoints.Connection, mac_address=OPTIONAL_TEXT), max_size=2).map(tuple),
    features=st.lists(
        st.builds(
            Feature,
            name=OPTIONAL_TEXT,
            properties=st.lists(
                st.builds(FeatureProperty, name=TEXT, value=st.integers(), time_of_sample=TIME), max_size=2
            ).map(tuple),
            operations=st.just(()),
            configuration=st.none(),
        ),
        max_size=2,
    ).map(tuple),
    description=st.none(),
    manufacturer=st.none(),
    model=st.none(),
    serial_number=st.none(),
    software_version=st.none(),
    associated_units=st.just(()),
)


@given(DEVICES)
@settings(derandomize=True, deadline=None)
def test_a_device_there_and_back(device: Device) -> None:
    assert aws.structure(json.loads(json.dumps(aws.unstructure(device))), Device) == device


@given(ENDPOINTS)
@settings(derandomize=True, deadline=None)
def test_an_endpoint_there_and_back(endpoint: Endpoint) -> None:
    assert rest.structure(json.loads(json.dumps(rest.unstructure(endpoint))), Endpoint) == endpoint


def test_what_is_not_set_is_not_written() -> None:
    assert rest.unstructure(Unit("u", name="Room 7")) == {
        "id": "u",
        "name": {"type": "PLAIN", "value": {"text": "Room 7"}},
    }
    assert aws.unstructure(DeviceEvent(timestamp=event(1700000000).timestamp)) == {"Timestamp": 1700000000.0}
    assert rest.unstructure(FeatureProperty(value=0, time_of_sample=event(1700000000).timestamp)) == {
        "value": 0,
        "timeOfSample": "2023-11-14T22:13:20.000Z",
    }


# JSON

DEEP = b"[" * 100_000


NOT_JSON = [b"", b" ", b"<html>busy</html>", b'{"a": ', b'{"a": 1} x', b'{"a": "\xff"}', b"\xff\xfe", b"nul", DEEP]


def test_invalid_json_is_an_error_that_shows_none_of_it() -> None:
    for content in NOT_JSON:
        with pytest.raises(errors.DecodeError, match=r"^the response is not JSON$") as caught:
            parse_json(content)
        assert caught.value.__cause__ is None


def test_a_byte_order_mark_does_no_harm() -> None:
    assert parse_json(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


async def test_json_that_is_nested_too_deeply_is_an_error_of_its_call() -> None:
    response = httpx.Response(200, content=DEEP, headers={"x-amzn-RequestId": "request-5"})
    with pytest.raises(errors.DecodeError, match=r"^units\.list\('org'\): .*\(200, request id request-5\)"):
        await smart_properties(Service(response)).units.list("org")
    with pytest.raises(errors.DecodeError, match=r"^devices\.get\('arn'\): .*\(200, request id request-5\)"):
        await for_business(Service(response)).devices.get("arn")


async def test_values_nested_deeply_in_a_free_member_do_no_harm() -> None:
    value = "[" * 400 + "]" * 400
    body = f'{{"name": "connectivity", "properties": [{{"name": "x", "value": {value}}}]}}'
    feature = await smart_properties(Service(httpx.Response(200, text=body))).endpoints.connectivity("e")
    assert isinstance(feature.properties[0].value, list)


# HTTP dates


WAITS = {"5": 5, "1.5": 1.5, "-1": 0, "nan": None, "inf": None, "": None, "later": None, "1e3": 1000}
DATE = "Thu, 01 Jan 2026 00:00:30 GMT"


def test_retry_after() -> None:
    for text, seconds in WAITS.items():
        assert parse_retry_after(httpx.Response(429, headers={"Retry-After": text})) == seconds, text


def test_the_longest_of_several_retry_after_headers_counts() -> None:
    for values in (["5", "30"], ["30", "5"], ["soon", "30"], ["5, 30"], [DATE, "5"]):
        headers = [("Date", "Thu, 01 Jan 2026 00:00:00 GMT"), *[("Retry-After", value) for value in values]]
        assert parse_retry_after(httpx.Response(429, headers=headers)) == 30, values


def test_no_retry_after() -> None:
    assert parse_retry_after(httpx.Response(429)) is None


@given(st.one_of(st.none(), st.text(max_size=40), st.from_regex(r"\A[A-Z][a-z]{2}, \d{1,2} Jan \d{1,5}.{0,15}\Z")))
@settings(derandomize=True, deadline=None)
def test_no_date_escapes_as_an_error(text: str | None) -> None:
    moment = parse_http_date(text)
    assert moment is None or moment.tzinfo is not None


# Models that are read leniently


@attrs.frozen
class Vague(Lenient):
    """A response that no page documents."""

    name: str | None = None
    count: int | None = None
    at: Timestamp | None = None
    parts: tuple[Unit, ...] = ()


def test_a_lenient_model_keeps_what_it_can_read_and_the_json() -> None:
    body = {"name": {"text": "x"}, "count": "5", "at": "soon", "parts": [{"id": "u"}], "new": [1]}
    read = rest.structure(body, Vague)
    assert read == Vague(None, 5, None, (Unit("u"),))
    assert read.raw == body
    assert "new" not in repr(read)
    assert rest.structure({"parts": [{"id": 1}, {}]}, Vague).parts == ()
    # What is empty or zero is there.
    assert rest.structure({"name": "", "count": 0, "at": 0}, Vague) == Vague(
        "", 0, dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    )


@pytest.mark.parametrize(
    ("found", "fault"), [({}, "a required member, id, is missing"), ({"id": {}}, "a string was expected")]
)
def test_a_member_of_a_lenient_model_without_a_default_is_required(found: Any, fault: str) -> None:
    @attrs.frozen
    class Named(Lenient):
        id: str

    with pytest.raises(errors.DecodeError, match=fault):
        rest.structure(found, Named)


def test_a_lenient_model_is_an_object_and_its_json_is_not_written() -> None:
    wrong: tuple[object, ...] = ([], "x", None, 5)
    for body in wrong:
        with pytest.raises(errors.DecodeError):
            rest.structure(body, Vague)
    assert rest.unstructure(Vague("x", raw={"name": "y", "z": 1})) == {"name": "x", "parts": []}
