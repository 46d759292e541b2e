"""The operation table against the facts of the services, and against the simulator's own list of routes."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args
from urllib.parse import unquote

import attrs
import httpx
import pytest

from alexa_props import AlexaForBusiness, Region, SmartProperties, Stations, errors
from alexa_props.for_business import devices, users
from alexa_props.for_business.protocol import codec as for_business_codec
from alexa_props.operation import Listing, Operation
from alexa_props.settings import RetryPolicy
from alexa_props.simulator import ROUTES, TARGETS
from alexa_props.smart_properties.batch import read_batch
from alexa_props.smart_properties.endpoint_settings import EndpointSetting, Setting
from alexa_props.smart_properties.protocol import codec as smart_properties_codec
from alexa_props.smart_properties.unit_settings import DefaultStation
from tests.helpers import Service, for_business
from tests.wire import CALLS, WIRE, Clients, Wire

FACTS = Path(__file__).parent / "facts"
ASP: dict[str, Any] = json.loads((FACTS / "smart_properties.json").read_text())
A4B: dict[str, Any] = json.loads((FACTS / "for_business.json").read_text())
ASP_OPERATIONS: dict[str, dict[str, Any]] = {entry["client_name"]: entry for entry in ASP["operations"]}
A4B_OPERATIONS: dict[str, dict[str, Any]] = {entry["client_name"]: entry for entry in A4B["operations"].values()}
OURS: dict[str, Operation[Any]] = {o.name: o for o in (*SmartProperties.operations(), *AlexaForBusiness.operations())}


def wire_path(operation: Operation[Any]) -> str:
    """With parameters in the service's spelling: `{unit_id}` → `{unitId}`."""
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), operation.path)


def test_every_operation_is_in_the_simulator_and_has_a_method_of_its_name() -> None:
    assert set(OURS) >= {*ASP_OPERATIONS, *A4B_OPERATIONS}
    assert set(OURS) == {*ROUTES, *TARGETS}
    for service in (SmartProperties, AlexaForBusiness):
        client = service(auth=httpx.Auth(), transport=httpx.MockTransport(lambda _: httpx.Response(204)))
        for operation in client.operations():
            # The profile is that of the client's own account, so it is a method of the client.
            group, _, method = operation.name.partition(".")
            assert callable(getattr(client if group == "login" else getattr(client, group), method))


def test_operations_of_smart_properties() -> None:
    for name, fact in ASP_OPERATIONS.items():
        check_operation(name, fact)


def check_operation(name: str, fact: dict[str, Any]) -> None:
    ours = OURS[name]
    assert (ours.method, wire_path(ours)) == (fact["method"], fact["path"])
    assert (ours.method, wire_path(ours)) == ROUTES[name]
    assert ours.idempotent == fact["idempotent"]
    # The page may be known under several languages; its name is the same.
    assert ours.source.rpartition("/")[2] in {source.rpartition("/")[2] for source in fact["sources"]}
    pagination = fact["pagination"]
    assert isinstance(ours, Listing) == (pagination is not None)
    if isinstance(ours, Listing):
        assert ours.items == pagination["items"]
        assert list(ours.next_token) == pagination["next_token"]
    # A batch may say something about its items.
    assert (isinstance(ours, Listing) or ours.model not in (None, read_batch)) == fact["answers"]
    assert ours.per_endpoint == name.startswith("alerts.")
    # The required arguments are those that name the subject; the rest is never missing.
    assert set(ours.required) <= {*fact["required_query"], "parent_id", "unit_id"}


def test_operations_of_alexa_for_business() -> None:
    for name, fact in A4B_OPERATIONS.items():
        check_action(name, fact)


def check_action(name: str, fact: dict[str, Any]) -> None:
    ours = OURS[name]
    assert f"AlexaForBusiness.{ours.target}" == fact["target"] == TARGETS[name]
    items = ours.items if isinstance(ours, Listing) else None
    assert {*fact["output"]} >= {ours.member or items}
    assert items == fact["paginator_result_key"]
    assert ours.idempotent, "all of them only read"


def test_filter_and_sort_keys_are_all_there() -> None:
    for name, filters, sorts in (
        ("devices.search", devices.FILTER_KEYS, devices.SORT_KEYS),
        ("users.search", users.FILTER_KEYS, users.SORT_KEYS),
    ):
        fact = A4B_OPERATIONS[name]
        assert set(filters) == {*fact["filter_keys"]["april_2018"], *fact["filter_keys"]["later"]}
        assert set(sorts) == {*fact["sort_keys"]["april_2018"], *fact["sort_keys"]["later"]}


def pascal(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def check_members(model: Any, members: dict[str, Any], enums: dict[str, Any]) -> None:
    fields = {pascal(field.name): field.type for field in attrs.fields(attrs.resolve_types(model))}
    assert set(fields) == set(members)
    for name, member in members.items():
        parts = [part for part in (*get_args(fields[name]), fields[name]) if isinstance(part, type)]
        if member["type"] == "structure":
            check_members(next(part for part in parts if attrs.has(part)), member["members"], enums)
        elif member["type"] == "list":
            check_members(next(part for part in parts if attrs.has(part)), member["of"]["members"], enums)
        elif member["type"] == "enum":
            kind: Any = next(part for part in parts if issubclass(part, str) and part is not str)
            assert [value.value for value in kind] == enums[member["enum"]]["values"]


def test_models_have_the_members_and_enums_of_the_service() -> None:
    for name, fact in A4B_OPERATIONS.items():
        ours = OURS[name]
        model = ours.item if isinstance(ours, Listing) else ours.model
        output = fact["output_members"][ours.items if isinstance(ours, Listing) else ours.member]
        check_members(model, output.get("members") or output["of"]["members"], fact["enums"])


def examples() -> Iterator[tuple[str, Any]]:
    for name, fact in ASP_OPERATIONS.items():
        for status, body in fact["response_examples"].items():
            if status.startswith("2"):
                yield name, body


def without_empty_lists(value: Any) -> Any:
    """Lists that are not in a response are empty in its model."""
    if isinstance(value, dict):
        return {name: without_empty_lists(member) for name, member in value.items() if member != []}
    return [without_empty_lists(each) for each in value] if isinstance(value, list) else value


def test_example_bodies_decode_and_encode_again() -> None:
    for name, body in examples():
        operation = OURS[name]
        if isinstance(operation, Listing):
            items = smart_properties_codec.read_all(body[operation.items], operation.item, "")
            assert items, name
            assert without_empty_lists(smart_properties_codec.unstructure(list(items))) == body[operation.items], name
        else:
            assert operation.model is not None, name
            model = smart_properties_codec.read(body, operation.model)
            assert without_empty_lists(smart_properties_codec.unstructure(model)) == body, name


# The wire table


def rows_of(name: str) -> list[Wire]:
    return [row for key, row in WIRE.items() if key.partition(",")[0] == name]


def parts(row: Wire) -> tuple[str, str, set[str]]:
    """Return method and path of a row, and the names in its query."""
    method, _, target = row.request.partition(" ")
    path, _, query = target.partition("?")
    return method, path, {unquote(pair.partition("=")[0]) for pair in query.split("&") if pair}


def test_rows_of_smart_properties_are_what_the_facts_say() -> None:
    for name, fact in ASP_OPERATIONS.items():
        sent = set[str]()
        for row in rows_of(name):
            method, path, query = parts(row)
            assert method == fact["method"], name
            assert re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", fact["path"]), path), name
            assert query >= {*fact["required_query"]}, name
            sent |= query
        # The token is sent with the second page.
        assert sent == {*fact["query"]} - {"nextToken"}, name
        if OURS[name].model is not read_batch:
            assert any(row.response is not None for row in rows_of(name)) == fact["answers"], name


def test_rows_of_alexa_for_business_are_what_the_facts_say() -> None:
    for name, fact in A4B_OPERATIONS.items():
        sent = set[str]()
        for row in rows_of(name):
            assert row.request == f"POST / {fact['target']}"
            sent |= {*row.body}
        assert sent == {*fact["input"]} - {"NextToken"}, name


def shape(value: Any) -> Any:
    """Return JSON with the types of its values in their place, and the first of each list only."""
    if isinstance(value, dict):
        return {name: shape(member) for name, member in value.items()}
    return [shape(value[0])] if isinstance(value, list) else type(value)


def test_rows_have_bodies_of_the_shape_of_the_examples() -> None:
    for name, fact in ASP_OPERATIONS.items():
        if fact["request_example"] is not None:
            assert shape(WIRE[name].body) == shape(fact["request_example"]), name


SETTINGS: dict[str, dict[str, Any]] = {row["key"]: row for row in ASP["settings"]["rows"]}
KINDS_OF_SETTINGS = {"boolean": bool, "integer": int, "number": float, "string": str, "array": tuple, "object": dict}


def test_settings_are_the_known_rows() -> None:
    assert {setting.key for setting in Setting.ALL} == set(SETTINGS)
    assert len(Setting.ALL) == len(SETTINGS)


def test_settings_take_what_their_rows_say() -> None:
    for setting in Setting.ALL:
        row = SETTINGS[setting.key]
        schema = row["schema"]
        one = schema.get("items", schema)
        low, high = ("minItems", "maxItems") if schema["type"] == "array" else ("minimum", "maximum")
        assert setting.kind is KINDS_OF_SETTINGS[schema["type"]], setting
        assert list(setting.choices) == one.get("enum", []), setting
        assert setting.limits == ((schema[low], schema[high]) if high in schema else None), setting
        assert setting.read_only == row["read_only"], setting


async def test_examples_of_settings_are_read_and_sent() -> None:
    for setting in Setting.ALL:
        await check_setting(setting)


async def check_setting(setting: EndpointSetting[Any]) -> None:
    example = SETTINGS[setting.key]["example"]
    sent: list[Any] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "PUT":
            sent.append(json.loads(request.content))
        return httpx.Response(200, json=example)

    settings = SmartProperties(auth=httpx.Auth(), transport=httpx.MockTransport(answer)).endpoint_settings
    value = await settings.get("endpoint", setting)
    assert value == (tuple(example) if isinstance(example, list) else example)
    assert isinstance(value, setting.kind)
    if setting.read_only:
        with pytest.raises(errors.ConfigurationError, match="can be read, not set"):
            await settings.set("endpoint", setting, value)
    else:
        await settings.set("endpoint", setting, value)
    assert sent == ([] if setting.read_only else [example])


async def test_the_example_of_several_settings_is_read() -> None:
    body = ASP_OPERATIONS["endpoint_settings.get_many"]["response_examples"]["200"]
    asp = SmartProperties(auth=httpx.Auth(), transport=httpx.MockTransport(lambda _: httpx.Response(200, json=body)))
    values = await asp.endpoint_settings.get_many("endpoint", [Setting.LOCALES, Setting.TIME_ZONE])
    assert values == {Setting.LOCALES: ("en-US",), Setting.TIME_ZONE: "America/Los_Angeles"}


async def test_error_examples_become_failures() -> None:
    for name in [name for name in ASP_OPERATIONS if name.startswith("alerts.")]:
        body = ASP_OPERATIONS[name]["response_examples"]["500"]
        transport = httpx.MockTransport(lambda _, body=body: httpx.Response(500, json=body))
        deletion: Any = CALLS[name](
            Clients(SmartProperties(auth=httpx.Auth(), transport=transport), for_business(Service()))
        )
        failures = [failure async for failure in deletion]
        assert [{"code": f.code, "endpointId": f.endpoint_id, "description": f.description} for f in failures] == body[
            "errors"
        ]


def test_hosts() -> None:
    assert {region.value: region.base_url for region in Region} == {n: h["url"] for n, h in ASP["hosts"].items()}


def test_stations_are_the_known_rows() -> None:
    rows = [(row["provider"], row["station"], row["label"]) for row in ASP["stations"]["rows"]]
    assert [(station.provider_id, station.station_id, station.label) for station in Stations.ALL] == rows
    assert [station.station_id for station in Stations.of("TUNEIN")] == ["s16492"]
    jazz = Stations.find("ihr_jazz")
    assert jazz is not None
    assert jazz.setting == DefaultStation("I_HEART_RADIO", "4242")
    assert Stations.find("4242") is jazz
    assert Stations.find("nothing of the kind") is None


KINDS: dict[str, type[errors.ApiError]] = {
    "NotFoundException": errors.NotFound,
    "UnauthorizedException": errors.Unauthorized,
}
RETRIED = [code for row in A4B["generic_errors"] if row["retry"] == "yes" for code in row["codes"]]
THROTTLES = A4B["generic_errors"][0]["codes"]


async def test_modeled_errors_are_conflicts_unless_their_name_says_otherwise() -> None:
    for code in A4B["modeled_errors"]:
        error, attempts = await ask(400, code)
        assert type(error) is KINDS.get(code, errors.Conflict)
        assert (attempts, error.code) == (1, code)


async def test_generic_errors_are_retried_or_not() -> None:
    for row in A4B["generic_errors"]:
        for code, status in itertools.product(row["codes"], row["status"]):
            error, attempts = await ask(status, code)
            assert attempts == (2 if code in RETRIED else 1), code
            assert isinstance(error, errors.Throttled) == (code in THROTTLES), code
            assert type(error) is not errors.ApiError, code


async def ask(status: int, code: str) -> tuple[errors.ApiError, int]:
    attempts = 0

    def answer(_: httpx.Request) -> httpx.Response:
        nonlocal attempts
        attempts += 1
        # Longer than anything that is waited for: so a throttled call ends with its second attempt, too.
        asked = {"Retry-After": "121"} if attempts == 2 else {}
        return httpx.Response(status, json={"__type": code, "message": "said"}, headers=asked)

    a4b = AlexaForBusiness(
        auth=httpx.Auth(), transport=httpx.MockTransport(answer), retry=RetryPolicy(max_attempts=2, base=0)
    )
    with pytest.raises(errors.ApiError) as caught:
        await a4b.devices.get("device")
    return caught.value, attempts


def test_timestamps_of_alexa_for_business_are_epoch_seconds_and_come_back() -> None:
    body = {"Type": "CONNECTION_STATUS", "Value": "ONLINE", "Timestamp": 1525132800.25}
    assert for_business_codec.unstructure(for_business_codec.structure(body, devices.DeviceEvent)) == body
