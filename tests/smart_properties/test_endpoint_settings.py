"""Settings of endpoints: what goes on the wire, what is refused, several at once over pages, and the address."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from alexa_props import errors
from alexa_props.smart_properties.endpoint_settings import Address, EndpointSetting, Setting
from tests.helpers import Seen, Service, answer, smart_properties

ENCODED = [
    ("amzn1.alexa.endpoint.did.AB-C_1", "amzn1.alexa.endpoint.did.AB-C_1"),
    ("~caller", "~caller"),
    ("a/b", "a%2Fb"),
    ("../units", "..%2Funits"),
    ("a?b=c&d", "a%3Fb%3Dc%26d"),
    ("%2F", "%252F"),
    ("Zürich 🛏", "Z%C3%BCrich%20%F0%9F%9B%8F"),
    ("\x00\r\n", "%00%0D%0A"),
    ("{key}", "%7Bkey%7D"),
]
NOT_IDS: list[Any] = [None, "", ".", "..", 5, True, b"x", ["e"], {"e": "v"}, "\ud800"]
NOT_SETTINGS: list[Any] = [None, "System.locales", 5, True, b"x", ["System.locales"], EndpointSetting, Setting]
FULL = Address(
    address_line1="1 Example St",
    address_line2="",
    address_line3="",
    city="Zürich",
    state_or_region="ZH",
    district_or_county="",
    postal_code="8001",
    country_code="CH",
)
WIRE = {
    "addressLine1": "1 Example St",
    "addressLine2": "",
    "addressLine3": "",
    "city": "Zürich",
    "stateOrRegion": "ZH",
    "districtOrCounty": "",
    "postalCode": "8001",
    "countryCode": "CH",
}
CALLS: dict[str, Any] = {
    "get": lambda settings, endpoint_id: settings.get(endpoint_id, Setting.LOCALES),
    "set": lambda settings, endpoint_id: settings.set(endpoint_id, Setting.LOCALES, ["en-US"]),
    "get_many": lambda settings, endpoint_id: settings.get_many(endpoint_id, [Setting.LOCALES]),
    "get_address": lambda settings, endpoint_id: settings.get_address(endpoint_id),
    "set_address": lambda settings, endpoint_id: settings.set_address(endpoint_id, FULL),
}
ON_THE_WIRE: dict[str, tuple[str, str, Any]] = {
    "get": ("GET", "/System.locales", None),
    "set": ("PUT", "/System.locales", ["en-US"]),
    "get_many": ("GET", "?keys=System.locales&maxResults=1", None),
    "get_address": ("GET", "/address", None),
    "set_address": ("POST", "/address", {"address": WIRE}),
}


def target(seen: Seen) -> str:
    return seen.url.raw_path.decode()


# On the wire


@pytest.mark.parametrize(("endpoint_id", "path"), ENCODED)
@pytest.mark.parametrize("name", CALLS)
async def test_what_is_sent(name: str, endpoint_id: str, path: str) -> None:
    method, rest, body = ON_THE_WIRE[name]
    service = Service(204)
    await CALLS[name](smart_properties(service).endpoint_settings, endpoint_id)
    (seen,) = service.seen
    assert (seen.method, target(seen)) == (method, f"/v2/endpoints/{path}/settings{rest}")
    assert seen.headers["Accept"] == "application/json"
    if body is None:
        assert (seen.content, "Content-Type" in seen.headers) == (b"", False)
    else:
        assert (seen.json, seen.headers["Content-Type"]) == (body, "application/json")
        assert seen.headers["Content-Length"] == str(len(seen.content))


@pytest.mark.parametrize("endpoint_id", NOT_IDS)
@pytest.mark.parametrize("name", CALLS)
async def test_what_is_no_id_of_an_endpoint(name: str, endpoint_id: Any) -> None:
    service = Service(204)
    with pytest.raises(errors.ConfigurationError, match=r"^endpoint_id must be an id"):
        await CALLS[name](smart_properties(service).endpoint_settings, endpoint_id)
    assert service.seen == []


@pytest.mark.parametrize("name", CALLS)
async def test_what_is_too_long_for_a_url(name: str) -> None:
    service = Service(204)
    with pytest.raises(errors.ConfigurationError, match=rf"^endpoint_settings\.{name} cannot be sent .*too long$"):
        await CALLS[name](smart_properties(service).endpoint_settings, "x" * 70_000)
    assert service.seen == []


@pytest.mark.parametrize("setting", NOT_SETTINGS)
async def test_what_is_no_setting(setting: Any) -> None:
    service = Service(204)
    settings = smart_properties(service).endpoint_settings
    for call in (settings.get("e", setting), settings.set("e", setting, True), settings.get_many("e", [setting])):
        with pytest.raises(errors.ConfigurationError, match=r"^a setting is one of Setting, such as Setting\.LOCALES"):
            await call
    assert service.seen == []


@pytest.mark.parametrize("response", [204, answer(200), answer(200, json={"a": 1}), answer(201, json=[]), answer(202)])
@pytest.mark.parametrize("name", ["set", "set_address"])
async def test_setting_reads_no_answer(name: str, response: Any) -> None:
    service = Service(response)
    assert await CALLS[name](smart_properties(service).endpoint_settings, "e") is None
    assert len(service.seen) == 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, errors.BadRequest), (403, errors.Forbidden), (404, errors.NotFound), (409, errors.Conflict)],
)
@pytest.mark.parametrize("name", CALLS)
async def test_refusals_name_the_endpoint(name: str, status: int, kind: type[errors.ApiError]) -> None:
    service = Service(answer(status, {"type": "SOME_TYPE", "message": "said"}, x_amzn_RequestId="request-1"))
    with pytest.raises(kind, match=rf"^endpoint_settings\.{name}\('e'\): {status} SOME_TYPE \"said\" .*request-1"):
        await CALLS[name](smart_properties(service).endpoint_settings, "e")
    assert len(service.seen) == 1


# Several at once


def entries(*settings: tuple[Any, Any], token: str | None = None) -> Any:
    named = [{"key": getattr(setting, "key", setting), "value": value} for setting, value in settings]
    return answer(json={"settings": named, "paginationContext": {"nextToken": token}}, x_amzn_RequestId="request-1")


async def test_all_are_asked_for_in_pages_of_ten() -> None:
    first = entries((Setting.DO_NOT_DISTURB, False), (Setting.LOCALES, ["en-US"]), token="t/1&2")
    last = entries((Setting.TIME_ZONE, "Europe/Paris"))
    service = Service(first, entries(token="t2"), last)
    values = await smart_properties(service).endpoint_settings.get_many("e", Setting.ALL)
    assert tuple(values) == Setting.ALL
    given = {setting: value for setting, value in values.items() if value is not None}
    assert given == {
        Setting.DO_NOT_DISTURB: False,
        Setting.LOCALES: ("en-US",),
        Setting.TIME_ZONE: "Europe/Paris",
    }
    keys = "%2C".join(setting.key for setting in Setting.ALL)
    asked = f"/v2/endpoints/e/settings?keys={keys}&maxResults=10"
    assert [target(seen) for seen in service.seen] == [asked, f"{asked}&nextToken=t%2F1%262", f"{asked}&nextToken=t2"]


@pytest.mark.parametrize("count", [1, 2, 9, 10])
async def test_one_page_suffices_up_to_ten(count: int) -> None:
    service = Service(entries())
    await smart_properties(service).endpoint_settings.get_many("e", Setting.ALL[:count])
    assert [seen.url.params["maxResults"] for seen in service.seen] == [str(count)]


async def test_one_that_is_named_twice_is_asked_for_once_and_order_stays() -> None:
    service = Service(entries((Setting.LOCALES, ["a"])))
    asked = (setting for setting in (Setting.TIME_ZONE, Setting.LOCALES, Setting.TIME_ZONE))
    values = await smart_properties(service).endpoint_settings.get_many("e", asked)
    assert list(values.items()) == [(Setting.TIME_ZONE, None), (Setting.LOCALES, ("a",))]
    assert service.seen[0].url.params["keys"] == "System.timeZone,System.locales"


async def test_the_setting_that_was_asked_for_reads_its_own_value() -> None:
    own = EndpointSetting[str]("System.locales", str)
    service = Service(entries((Setting.LOCALES, "text")))
    assert await smart_properties(service).endpoint_settings.get_many("e", [own]) == {own: "text"}


@pytest.mark.parametrize(
    "body",
    [
        {"settings": []},
        {"settings": [{"key": "System.locales"}]},
        {"settings": [{"key": "System.locales", "value": None}]},
        {"settings": [{"key": "Some.other", "value": ["en-US"]}, {"key": "system.locales", "value": ["en-US"]}]},
        {"settings": [{"key": "Some.other"}], "paginationContext": None, "new": 1},
    ],
)
async def test_one_that_does_not_come_back_is_none(body: Any) -> None:
    values = await smart_properties(Service(answer(json=body))).endpoint_settings.get_many("e", [Setting.LOCALES])
    assert values == {Setting.LOCALES: None}


async def test_no_content_is_no_values() -> None:
    values = await smart_properties(Service(204)).endpoint_settings.get_many("e", [Setting.LOCALES])
    assert values == {Setting.LOCALES: None}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "no list 'settings'"),
        ({"results": []}, "no list 'settings'"),
        ({"settings": {}}, "no list 'settings'"),
        ({"settings": [None]}, 'an entry of "settings" has no key'),
        ({"settings": [["System.locales"]]}, 'an entry of "settings" has no key'),
        ({"settings": [{"value": 1}]}, 'an entry of "settings" has no key'),
        ({"settings": [{"key": 5, "value": 1}]}, 'an entry of "settings" has no key'),
        ({"settings": [{"key": "System.locales", "value": "en-US"}]}, "not a string @ System.locales"),
        ({"settings": [], "paginationContext": {"nextToken": 5}}, "nextToken is not a string"),
    ],
)
async def test_an_answer_that_makes_no_sense(body: Any, said: str) -> None:
    service = Service(answer(json=body, x_amzn_RequestId="request-1"))
    with pytest.raises(errors.DecodeError) as caught:
        await smart_properties(service).endpoint_settings.get_many("e", [Setting.LOCALES])
    assert str(caught.value).startswith("endpoint_settings.get_many('e'): ")
    assert said in str(caught.value)
    assert caught.value.request_id == "request-1"


async def test_pages_without_end_are_noticed() -> None:
    service = Service(entries(token="t"))
    with pytest.raises(errors.DecodeError, match="for the second time"):
        await smart_properties(service).endpoint_settings.get_many("e", Setting.ALL)
    assert len(service.seen) == 2


@pytest.mark.parametrize("settings", [None, 5, "System.locales", Setting.LOCALES, Setting])
async def test_what_is_no_list_of_settings(settings: Any) -> None:
    service = Service(204)
    with pytest.raises(errors.ConfigurationError, match=r"^settings must be a list of settings"):
        await smart_properties(service).endpoint_settings.get_many("e", settings)
    assert service.seen == []


@pytest.mark.parametrize("settings", [[], (), {}, iter(())])
async def test_no_settings_at_all(settings: Any) -> None:
    service = Service(204)
    with pytest.raises(errors.ConfigurationError, match="at least one setting"):
        await smart_properties(service).endpoint_settings.get_many("e", settings)
    assert service.seen == []


# The address


@pytest.mark.parametrize("name", [field.name for field in attrs.fields(Address)])
async def test_parts_that_are_none_are_not_sent_and_empty_ones_are(name: str) -> None:
    wire = dict(zip((field.name for field in attrs.fields(Address)), WIRE, strict=True))[name]
    for text in ("", "x", "\x00 é"):
        service = Service(204)
        await smart_properties(service).endpoint_settings.set_address("e", Address(**{name: text}))
        assert service.seen[0].json == {"address": {wire: text}}


@pytest.mark.parametrize(
    "body", [WIRE, {"address": WIRE}, {**WIRE, "new": 1}, {"address": {**WIRE, "new": {}}, "x": 1}]
)
async def test_an_address_with_and_without_its_wrapper(body: Any) -> None:
    assert await smart_properties(Service(answer(json=body))).endpoint_settings.get_address("e") == FULL


@pytest.mark.parametrize(
    ("response", "address"),
    [
        (204, None),
        (answer(json={"address": None}), None),
        (answer(json={}), Address()),
        (answer(json={"address": {}}), Address()),
        (answer(json={"city": None, "postalCode": 8001}), Address(postal_code="8001")),
    ],
)
async def test_an_address_that_is_not_all_there(response: Any, address: Address | None) -> None:
    assert await smart_properties(Service(response)).endpoint_settings.get_address("e") == address


@pytest.mark.parametrize("body", [[], "text", 5, {"address": []}, {"city": {}}, {"address": {"city": True}}])
async def test_what_is_no_address_in_an_answer(body: Any) -> None:
    service = Service(answer(json=body, x_amzn_RequestId="request-1"))
    with pytest.raises(errors.DecodeError, match=r"^endpoint_settings\.get_address\('e'\): .*request-1"):
        await smart_properties(service).endpoint_settings.get_address("e")


@pytest.mark.parametrize("address", [None, "Ulm", {"city": "Ulm"}, WIRE, [], Address, Setting.LOCALES])
async def test_what_is_no_address(address: Any) -> None:
    service = Service(204)
    with pytest.raises(errors.ConfigurationError, match=r"^address must be an Address, not "):
        await smart_properties(service).endpoint_settings.set_address("e", address)
    assert service.seen == []


async def test_an_address_without_any_part() -> None:
    service = Service(204)
    with pytest.raises(errors.ConfigurationError, match=r"^address must have at least one part"):
        await smart_properties(service).endpoint_settings.set_address("e", Address())
    assert service.seen == []


@pytest.mark.parametrize("value", [5, True, b"Ulm", ["Ulm"], {}, "\ud800"])
@pytest.mark.parametrize("name", ["address_line1", "city", "country_code"])
async def test_a_part_of_an_address_that_cannot_be_sent(name: str, value: Any) -> None:
    service = Service(204)
    with pytest.raises(errors.ConfigurationError, match=rf"^address\.{name} must be "):
        await smart_properties(service).endpoint_settings.set_address("e", Address(**{name: value}))
    assert service.seen == []
