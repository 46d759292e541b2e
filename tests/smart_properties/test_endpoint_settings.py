"""Settings of endpoints: several in one call, over pages, and the address."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from alexa_props import errors
from alexa_props.smart_properties.endpoint_settings import Address, EndpointSetting, Setting
from tests.helpers import Seen, Service, answer, smart_properties

NOT_SETTINGS: list[Any] = [None, "System.locales", 5, True, b"x", ["System.locales"], EndpointSetting, Setting]


async def test_rejects_what_is_no_setting() -> None:
    service = Service(204)
    settings = smart_properties(service).endpoint_settings
    for setting in NOT_SETTINGS:
        for call in (settings.get("e", setting), settings.set("e", setting, True), settings.get_many("e", [setting])):
            with pytest.raises(errors.ConfigurationError, match=r"^a setting is one of Setting"):
                await call
    assert service.seen == []


# Several in one call


def target(seen: Seen) -> str:
    return seen.url.raw_path.decode()


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


async def test_one_page_suffices_up_to_ten() -> None:
    service = Service(entries())
    for count in (1, 9, 10, 11):
        await smart_properties(service).endpoint_settings.get_many("e", Setting.ALL[:count])
    assert [seen.url.params["maxResults"] for seen in service.seen] == ["1", "9", "10", "10"]


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


async def test_a_setting_that_is_not_returned_is_none() -> None:
    bodies: list[Any] = [
        {"settings": []},
        {"settings": [{"key": "System.locales"}]},
        {"settings": [{"key": "System.locales", "value": None}]},
        {"settings": [{"key": "Some.other", "value": ["en-US"]}, {"key": "system.locales", "value": ["en-US"]}]},
        {"settings": [{"key": "Some.other"}], "paginationContext": None, "new": 1},
    ]
    for body in bodies:
        values = await smart_properties(Service(answer(json=body))).endpoint_settings.get_many("e", [Setting.LOCALES])
        assert values == {Setting.LOCALES: None}


INVALID: list[tuple[Any, str]] = [
    ({"settings": {}}, "no list 'settings'"),
    ({"settings": [None]}, 'an entry of "settings" has no key'),
    ({"settings": [["System.locales"]]}, 'an entry of "settings" has no key'),
    ({"settings": [{"value": 1}]}, 'an entry of "settings" has no key'),
    ({"settings": [{"key": 5, "value": 1}]}, 'an entry of "settings" has no key'),
    ({"settings": [{"key": "System.locales", "value": "en-US"}]}, "not a string @ System.locales"),
]


@pytest.mark.parametrize(("body", "said"), INVALID)
async def test_an_invalid_response_is_an_error(body: Any, said: str) -> None:
    service = Service(answer(json=body, x_amzn_RequestId="request-1"))
    with pytest.raises(errors.DecodeError) as caught:
        await smart_properties(service).endpoint_settings.get_many("e", [Setting.LOCALES])
    assert str(caught.value).startswith("endpoint_settings.get_many('e'): ")
    assert said in str(caught.value)
    assert caught.value.request_id == "request-1"


async def test_a_cycle_of_pages_is_an_error() -> None:
    service = Service(entries(token="t"))
    with pytest.raises(errors.DecodeError, match="second time"):
        await smart_properties(service).endpoint_settings.get_many("e", Setting.ALL)
    assert len(service.seen) == 2


async def test_rejects_what_is_no_list_of_settings() -> None:
    service = Service(204)
    get_many = smart_properties(service).endpoint_settings.get_many
    nothing: list[Any] = [None, 5, "System.locales", Setting.LOCALES, Setting]
    for settings in nothing:
        with pytest.raises(errors.ConfigurationError, match=r"^settings must be a list of settings"):
            await get_many("e", settings)
    empty: list[Any] = [[], (), {}, iter(())]
    for settings in empty:
        with pytest.raises(errors.ConfigurationError, match="at least one setting"):
            await get_many("e", settings)
    assert service.seen == []


# The address


async def test_parts_that_are_none_are_not_sent_and_empty_ones_are() -> None:
    service = Service(204)
    for field in attrs.fields(Address):
        for text in ("", "\x00 é"):
            await smart_properties(service).endpoint_settings.set_address("e", Address(**{field.name: text}))
            ((name, value),) = service.seen[-1].json["address"].items()
            assert (name.lower(), value) == (field.name.replace("_", ""), text)


ADDRESSES: list[tuple[Any, Address | None]] = [
    ({"address": None}, None),
    ({}, Address()),
    ({"address": {}}, Address()),
    ({"city": None, "postalCode": 8001}, Address(postal_code="8001")),
    ({"address": {"city": "Ulm", "new": {}}, "x": 1}, Address(city="Ulm")),
]


async def test_an_address_in_part() -> None:
    for body, address in ADDRESSES:
        assert await smart_properties(Service(answer(json=body))).endpoint_settings.get_address("e") == address


async def test_an_invalid_address_in_a_response_is_an_error() -> None:
    bodies: list[Any] = [[], "text", 5, {"address": []}, {"city": {}}, {"address": {"city": True}}]
    for body in bodies:
        service = Service(answer(json=body, x_amzn_RequestId="request-1"))
        with pytest.raises(errors.DecodeError, match=r"^endpoint_settings\.get_address\('e'\): .*request-1"):
            await smart_properties(service).endpoint_settings.get_address("e")


async def test_rejects_what_is_no_address() -> None:
    service = Service(204)
    set_address = smart_properties(service).endpoint_settings.set_address
    nothing: list[Any] = [None, "Ulm", {"city": "Ulm"}, [], Address, Setting.LOCALES]
    for address in nothing:
        with pytest.raises(errors.ConfigurationError, match=r"^address must be an Address, not "):
            await set_address("e", address)
    with pytest.raises(errors.ConfigurationError, match=r"^address must have at least one part"):
        await set_address("e", Address())
    assert service.seen == []
