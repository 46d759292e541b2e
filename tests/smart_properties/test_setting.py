"""Settings of endpoints: which values each kind accepts, and which it reads."""

from __future__ import annotations

import json
from typing import Any, assert_type

import attrs
import httpx
import pytest

from alexa_props import errors
from alexa_props.smart_properties.setting import (
    Confirmation,
    DistanceUnits,
    Enablement,
    EndpointSetting,
    Setting,
    TemperatureUnit,
    TimeFormat,
    WakeWord,
)
from tests.helpers import Service, answer, smart_properties

WRITABLE = [setting for setting in Setting.ALL if not setting.read_only]


async def sent(setting: EndpointSetting[Any], value: Any) -> bytes:
    service = Service(204)
    await smart_properties(service).endpoint_settings.set("e", setting, value)
    (seen,) = service.seen
    return seen.content


async def read(setting: EndpointSetting[Any], body: Any) -> Any:
    # By hand: null is a response too.
    service = Service(httpx.Response(200, content=json.dumps(body), headers={"X-Amzn-RequestId": "request-1"}))
    return await smart_properties(service).endpoint_settings.get("e", setting)


async def refused(setting: EndpointSetting[Any], value: Any) -> str:
    service = Service(204)
    with pytest.raises(errors.ConfigurationError) as caught:
        await smart_properties(service).endpoint_settings.set("e", setting, value)
    assert service.seen == []
    assert str(caught.value).startswith(setting.key)
    return str(caught.value)


# Sent

SENT: list[tuple[EndpointSetting[Any], Any, bytes]] = [
    (Setting.DO_NOT_DISTURB, False, b"false"),
    (Setting.DO_NOT_DISTURB, True, b"true"),
    (Setting.FOLLOW_UP, False, b"false"),
    (Setting.MAXIMUM_VOLUME_LIMIT, 0, b"0"),
    (Setting.MAXIMUM_VOLUME_LIMIT, 100, b"100"),
    (Setting.SPEAKING_RATE, 0.75, b"0.75"),
    (Setting.SPEAKING_RATE, 1, b"1"),
    (Setting.SPEAKING_RATE, 2.0, b"2.0"),
    (Setting.TEMPERATURE_UNIT, TemperatureUnit.CELSIUS, b'"CELSIUS"'),
    (Setting.TEMPERATURE_UNIT, "FAHRENHEIT", b'"FAHRENHEIT"'),
    (Setting.DISTANCE_UNITS, DistanceUnits.IMPERIAL, b'"IMPERIAL"'),
    (Setting.TIME_FORMAT, TimeFormat.HOURS_12, b'"12_HOURS"'),
    (Setting.TIME_FORMAT, "24_HOURS", b'"24_HOURS"'),
    (Setting.SPEECH_CONFIRMATION, Confirmation.NONE, b'"NONE"'),
    (Setting.WAKE_WORD_CONFIRMATION, "TONE", b'"TONE"'),
    (Setting.MAGNIFIER, Enablement.DISABLED, b'"DISABLED"'),
    (Setting.TIME_ZONE, "Europe/Paris", b'"Europe/Paris"'),
    (Setting.TIME_ZONE, "Mars/Ω\x00\n", b'"Mars/\\u03a9\\u0000\\n"'),
    (Setting.LOCALES, ("en-US",), b'["en-US"]'),
    (Setting.LOCALES, ["fr-FR", "en-US"], b'["fr-FR","en-US"]'),
    (Setting.LOCALES, ("xx-TOMORROW",), b'["xx-TOMORROW"]'),
    (Setting.WAKE_WORDS, [WakeWord.ECHO], b'["ECHO"]'),
    (Setting.WAKE_WORDS, ("ALEXA",), b'["ALEXA"]'),
    (Setting.ERROR_SUPPRESSION, (), b"[]"),
    (Setting.ERROR_SUPPRESSION, ["CONNECTIVITY"], b'["CONNECTIVITY"]'),
    (Setting.SCREEN_CONTROLLER_POLICY, {}, b"{}"),
    (
        Setting.SCREEN_CONTROLLER_POLICY,
        {"snake_case": [1, None, {"é": 0.5}]},
        b'{"snake_case":[1,null,{"\\u00e9":0.5}]}',
    ),
]


async def test_a_value_is_the_whole_body() -> None:
    for setting, value, body in SENT:
        assert await sent(setting, value) == body, setting


async def test_every_choice_is_sent_and_read() -> None:
    for setting in WRITABLE:
        for choice in setting.choices:
            value = (choice,) if setting.kind is tuple else choice
            body = json.loads(await sent(setting, value))
            assert body == ([choice] if setting.kind is tuple else choice)
            assert await read(setting, body) == value
            one = (await read(setting, body))[0] if setting.kind is tuple else await read(setting, body)
            assert type(one) is type(choice)


# Refused

WRONG: dict[type, list[Any]] = {
    bool: [None, 0, 1, "true", "false", "", b"", [], [True], {}],
    int: [None, True, False, 5.0, "5", b"5", [5], {}, 1 + 0j],
    float: [None, True, "1", b"1", [1.0], {}, float("nan"), float("inf"), 10**400],
    str: [None, True, 5, "", b"CELSIUS", ["CELSIUS"], {}, ("CELSIUS",)],
    tuple: [None, True, 5, "en-US", "", b"en-US", {"en-US"}, {"en-US": 1}, [5], [None], [""], [b"en-US"], [["en-US"]]],
    dict: [
        None,
        True,
        "{}",
        [],
        [("a", 1)],
        {"a": object()},
        {"a": float("nan")},
        {"a": {1, 2}},
        {"a": b"b"},
        {"a": "\ud800"},
        {("a",): 1},
    ],
}


@pytest.mark.parametrize("kind", WRONG, ids=lambda kind: kind.__name__)
async def test_rejects_a_value_of_another_type(kind: type) -> None:
    for setting in WRITABLE:
        if setting.kind is kind:
            for value in WRONG[kind]:
                assert " takes " in await refused(setting, value)


def test_rejects_a_dict_that_holds_itself() -> None:
    deep: dict[str, Any] = {}
    deep["deep"] = deep
    with pytest.raises(errors.ConfigurationError, match="takes a dict that is a JSON object"):
        Setting.SCREEN_CONTROLLER_POLICY.check(deep)


OUT_OF_RANGE: list[tuple[EndpointSetting[Any], Any, str]] = [
    (Setting.MAXIMUM_VOLUME_LIMIT, -1, "takes 0 to 100, not -1"),
    (Setting.MAXIMUM_VOLUME_LIMIT, 101, "takes 0 to 100, not 101"),
    (Setting.LOCALES, [], "takes 1 to 2 strings, not []"),
    (Setting.LOCALES, ["de-DE", "en-US", "fr-FR"], "takes 1 to 2 strings, not ['de-DE', 'en-US', 'fr-FR']"),
    (Setting.WAKE_WORDS, [], "takes 1 to 1 strings"),
    (Setting.WAKE_WORDS, ["ALEXA", "ECHO"], "takes 1 to 1 strings"),
    (Setting.WAKE_WORDS, ["Alexa"], "takes ALEXA, AMAZON, COMPUTER, ECHO, not 'Alexa'"),
    (Setting.ERROR_SUPPRESSION, ["CONNECTIVITY", "ALL"], "takes CONNECTIVITY, not 'ALL'"),
    (Setting.TEMPERATURE_UNIT, "celsius", "takes CELSIUS, FAHRENHEIT, not 'celsius'"),
    (Setting.TEMPERATURE_UNIT, TimeFormat.HOURS_12, "takes CELSIUS, FAHRENHEIT, not "),
    (Setting.TIME_FORMAT, "12", "takes 12_HOURS, 24_HOURS, not '12'"),
    (Setting.SPEAKING_RATE, 0.8, "takes 0.75, 0.85, 1.0, 1.25, 1.5, 1.75, 2.0, not 0.8"),
    (Setting.SPEAKING_RATE, 3, "not 3"),
    (Setting.LOCALES, ["\ud800"], "half a surrogate pair"),
    (Setting.TIME_ZONE, "\ud800", "half a surrogate pair"),
]


async def test_rejects_a_value_that_is_out_of_range() -> None:
    for setting, value, said in OUT_OF_RANGE:
        assert said in await refused(setting, value)


async def test_a_message_does_not_show_a_long_value() -> None:
    assert len(await refused(Setting.TIME_FORMAT, "x" * 10_000)) < 300


async def test_rejects_any_value_of_a_setting_that_is_read_only() -> None:
    [setting] = [setting for setting in Setting.ALL if setting.read_only]
    assert (
        await refused(setting, ()) == await refused(setting, ["ALL_SETTINGS"]) == f"{setting.key} can be read, not set"
    )


# Read


async def test_null_is_no_value() -> None:
    for setting in Setting.ALL:
        assert await read(setting, None) is None


GIVEN: list[tuple[EndpointSetting[Any], Any, Any]] = [
    (Setting.DO_NOT_DISTURB, False, False),
    (Setting.MAXIMUM_VOLUME_LIMIT, 80.0, 80),
    (Setting.MAXIMUM_VOLUME_LIMIT, 1000, 1000),
    (Setting.SPEAKING_RATE, 1, 1.0),
    (Setting.SPEAKING_RATE, 3, 3.0),
    (Setting.TEMPERATURE_UNIT, "CELSIUS", TemperatureUnit.CELSIUS),
    (Setting.TEMPERATURE_UNIT, "KELVIN", "KELVIN"),
    (Setting.WAKE_WORDS, ["ALEXA", "OF_TOMORROW"], (WakeWord.ALEXA, "OF_TOMORROW")),
    (Setting.WAKE_WORDS, [], ()),
    (Setting.LOCALES, ["a", "b", "c"], ("a", "b", "c")),
    (Setting.SETUP_MODE_PRIVILEGES, [], ()),
    (Setting.SCREEN_CONTROLLER_POLICY, {"a": [None]}, {"a": [None]}),
]


async def test_known_choices_are_read_as_such_and_unknown_ones_as_they_come() -> None:
    for setting, body, value in GIVEN:
        got = await read(setting, body)
        assert got == value
        assert type(got) is type(value)
        if isinstance(value, tuple):
            assert [type(one) for one in got] == [type(one) for one in value]


STRANGE: dict[type, list[Any]] = {
    bool: [0, 1, "true", "", [], {}, [True]],
    int: [True, 0.5, "many", [], {}, [5]],
    float: [True, "1", [], {}, float("inf"), float("nan"), 10**400],
    str: [True, [], {}, ["CELSIUS"]],
    tuple: [True, 5, "en-US", {}, [None], [["en-US"]], [{}]],
    dict: [True, 5, "{}", [], [{}]],
}


@pytest.mark.parametrize("kind", STRANGE, ids=lambda kind: kind.__name__)
async def test_a_value_of_another_type_is_an_invalid_response(kind: type) -> None:
    for setting in Setting.ALL:
        for body in STRANGE[kind] if setting.kind is kind else ():
            with pytest.raises(errors.DecodeError) as caught:
                await read(setting, body)
            text = str(caught.value)
            assert text.startswith("endpoint_settings.get('e'): invalid response: ")
            assert setting.key in text
            assert (caught.value.operation, caught.value.request_id) == ("endpoint_settings.get", "request-1")


# Descriptors


async def test_the_type_checkers_know_what_a_setting_is() -> None:
    """mypy reads this one too."""
    settings = smart_properties(Service(httpx.Response(200, content="null"))).endpoint_settings
    assert_type(await settings.get("e", Setting.DO_NOT_DISTURB), bool | None)
    assert_type(await settings.get("e", Setting.MAXIMUM_VOLUME_LIMIT), int | None)
    assert_type(await settings.get("e", Setting.SPEAKING_RATE), float | None)
    assert_type(await settings.get("e", Setting.LOCALES), tuple[str, ...] | None)
    assert_type(await settings.get("e", Setting.TEMPERATURE_UNIT), TemperatureUnit | str | None)
    assert_type(await settings.get("e", Setting.SCREEN_CONTROLLER_POLICY), dict[str, Any] | None)
    await settings.set("e", Setting.LOCALES, ["en-US"])
    with pytest.raises(errors.ConfigurationError):
        await settings.set("e", Setting.LOCALES, "en-US")  # type: ignore[misc]
    with pytest.raises(errors.ConfigurationError):
        await settings.set("e", Setting.DO_NOT_DISTURB, "off")  # type: ignore[misc]


def test_settings_are_values_with_a_short_repr() -> None:
    assert len({*Setting.ALL, *Setting.ALL}) == len(Setting.ALL)
    assert repr(Setting.WAKE_WORDS) == "EndpointSetting(key='SpeechRecognizer.wakeWords')"
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Setting.LOCALES.key = "other"  # type: ignore[misc]


async def test_choices_and_settings_that_are_not_known_yet() -> None:
    wake_words = attrs.evolve(Setting.WAKE_WORDS, choices=())
    assert await sent(wake_words, ["OF_TOMORROW"]) == b'["OF_TOMORROW"]'
    new = EndpointSetting[bool]("Some.new/Setting", bool)
    service = Service(answer(json=True))
    assert await smart_properties(service).endpoint_settings.get("e", new) is True
    assert service.seen[0].url.raw_path == b"/v2/endpoints/e/settings/Some.new%2FSetting"


def test_a_checked_value_equals_the_value_that_is_read() -> None:
    assert Setting.LOCALES.check(["en-US"]) == ("en-US",) == Setting.LOCALES.read(["en-US"])
    assert Setting.SCREEN_CONTROLLER_POLICY.check({"a": []}) == {"a": []}


async def test_a_number_without_choices_is_finite() -> None:
    rate = EndpointSetting[float]("Some.rate", float)
    values: list[Any] = [float("nan"), float("inf"), float("-inf"), -(10**400), True]
    for value in values:
        assert await refused(rate, value) == f"Some.rate takes a number, not {value!r:.80}"
    assert await sent(rate, -0.5) == b"-0.5"


def test_rejects_what_is_no_key_or_kind() -> None:
    names: list[Any] = [None, "", ".", "..", 5, True, b"x", "a,b", "\ud800"]
    for name in names:
        with pytest.raises(errors.ConfigurationError, match=r"^key must be "):
            EndpointSetting(name, bool)
    kinds: list[Any] = [None, "bool", list, tuple[str, ...], bytes, object, TemperatureUnit, {}]
    for kind in kinds:
        with pytest.raises(
            errors.ConfigurationError, match=r"^kind must be bool, int, float, str, tuple or dict, not "
        ):
            EndpointSetting("Some.setting", kind)
