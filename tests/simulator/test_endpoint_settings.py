"""Settings of endpoints: each of them, several, the address, and devices that cannot be reached."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from alexa_props.simulator import Simulator

LOCALES = "System.locales"
WAKE_WORDS = "SpeechRecognizer.wakeWords"
DO_NOT_DISTURB = "Alexa.DoNotDisturb.doNotDisturb"
TIME_ZONE = "System.timeZone"
SETUP_MODE = "Alexa.ManagedDevice.Settings.setupModePrivileges"
SWITCH: tuple[list[Any], list[Any]] = (["ENABLED", "DISABLED"], ["enabled", "", True, None, 1, ["ENABLED"], {}])
SOUND: tuple[list[Any], list[Any]] = (["TONE", "NONE"], ["BELL", None, False, ["TONE"]])
FLAG: tuple[list[Any], list[Any]] = ([True, False], ["true", 1, 0, None, [], {}, "ON"])
# The table of the service: what is taken, and what is not.
VALUES: dict[str, tuple[list[Any], list[Any]]] = {
    "Accessibility.Captions.AlexaCaptions.enablement": SWITCH,
    "Accessibility.Captions.ClosedCaptions.enablement": SWITCH,
    "Accessibility.Display.ColorInversion.enablement": SWITCH,
    "Accessibility.Display.Magnifier.enablement": SWITCH,
    "Alexa.DataFormat.Time.timeFormat": (["12_HOURS", "24_HOURS"], ["24", 24, None]),
    DO_NOT_DISTURB: FLAG,
    "Alexa.ManagedDevice.Settings.errorSuppression": (
        [["CONNECTIVITY"], []],
        ["CONNECTIVITY", ["ALL"], ["CONNECTIVITY"] * 2, None, {}, [None]],
    ),
    "Alexa.ManagedDevice.Settings.maximumVolumeLimit": ([0, 80, 100], [-1, 101, 80.5, "80", True, None, [80]]),
    "Alexa.ScreenController.screenControllerPolicy": ([{}, {"a": {"b": [1]}}], [[], "x", None, 1]),
    "SpeechRecognizer.FollowUp.mode": FLAG,
    "SpeechRecognizer.speechConfirmation": SOUND,
    "SpeechRecognizer.wakeWordConfirmation": SOUND,
    WAKE_WORDS: (
        [["ALEXA"], ["AMAZON"], ["COMPUTER"], ["ECHO"]],
        ["ALEXA", [], ["ALEXA", "ECHO"], ["HAL"], [["ALEXA"]], None, {"ALEXA": 1}],
    ),
    "SpeechSynthesizer.speakingRate": ([0.75, 1, 1.25, 2], [0.5, 1.3, "1", True, None, [1]]),
    "System.distanceUnits": (["METRIC", "IMPERIAL"], ["metric", None, ["METRIC"]]),
    LOCALES: (
        [["en-US"], ["fr-FR", "en-US"], ["xx-YY"]],
        ["en-US", [], ["en-US", "fr-FR", "de-DE"], ["english"], ["en_US"], [5], None, {}],
    ),
    "System.temperatureUnit": (["CELSIUS", "FAHRENHEIT"], ["KELVIN", None, 5]),
    TIME_ZONE: (["Europe/Paris", "UTC", "America/Argentina/Buenos_Aires"], ["", "Mars Base", "/", 5, None, ["UTC"]]),
}
ADDRESS = {"addressLine1": "2 Quay", "addressLine2": "", "city": "Lyon", "postalCode": "69001", "countryCode": "FR"}


def path(endpoint_id: str, key: str) -> str:
    return f"/v2/endpoints/{endpoint_id}/settings/{key}"


def many(endpoint_id: str) -> str:
    return f"/v2/endpoints/{endpoint_id}/settings"


async def test_sets_and_reads_every_setting(api: httpx.AsyncClient, sim: Simulator) -> None:
    for key in VALUES:
        first, second = sim.endpoints_in(sim.rooms[0])
        before = sim.settings(second)
        for value in VALUES[key][0]:
            response = await api.put(path(first, key), json=value)
            assert (response.status_code, response.content) == (204, b""), key
            response = await api.get(path(first, key))
            assert (response.status_code, response.json()) == (200, value), key
            assert response.headers["x-amzn-requestid"], key
            assert sim.settings(first)[key] == value, key
            assert type(sim.settings(first)[key]) is type(value), key
            put = next(call for call in reversed(sim.calls) if call.method == "PUT")
            assert (put.operation, put.endpoint_id, put.body) == ("endpoint_settings.set", first, value), key
        assert sim.settings(second) == before, key
        sim.set_setting(first, key, None)
        response = await api.get(path(first, key))
        assert (response.status_code, response.content) == (204, b""), key
        assert key not in sim.settings(first), key


async def test_rejects_invalid_values_of_every_setting(api: httpx.AsyncClient, sim: Simulator) -> None:
    for key in VALUES:
        endpoint = sim.endpoints[0]
        before = sim.settings(endpoint)
        for value in VALUES[key][1]:
            response = await api.put(path(endpoint, key), json=value)
            assert (response.status_code, response.json()["type"]) == (400, "BAD_REQUEST"), value
            assert key in response.json()["message"], key
        assert (await api.put(path(endpoint, key), content=b"")).status_code == 400, key
        assert (await api.put(path(endpoint, key), content=b"{")).status_code == 400, key
        assert sim.settings(endpoint) == before, key


async def test_unknown_keys_are_404(api: httpx.AsyncClient, sim: Simulator) -> None:
    endpoint = sim.endpoints[0]
    for key in ("System.colour", DO_NOT_DISTURB.lower(), f"{TIME_ZONE}%00"):
        assert (await api.get(path(endpoint, key))).status_code == 404
        response = await api.put(path(endpoint, key), json=True)
        assert (response.status_code, response.json()["type"]) == (404, "NOT_FOUND")
    assert (await api.put(path(endpoint, "address"), json={"address": ADDRESS})).status_code == 405


async def test_setup_mode_privileges_are_read_only(api: httpx.AsyncClient, sim: Simulator) -> None:
    used, spare = sim.endpoints[0], sim.endpoints[-1]
    assert (await api.get(path(used, SETUP_MODE))).json() == []
    assert (await api.get(path(spare, SETUP_MODE))).json() == ["ALL_SETTINGS"]
    response = await api.put(path(used, SETUP_MODE), json=["ALL_SETTINGS"])
    assert (response.status_code, response.json()["type"]) == (405, "METHOD_NOT_ALLOWED")
    assert sim.settings(used)[SETUP_MODE] == []
    sim.set_setting(used, SETUP_MODE, ["ALL_SETTINGS"])
    assert (await api.get(path(used, SETUP_MODE))).json() == ["ALL_SETTINGS"]


async def test_wake_words_need_locales(api: httpx.AsyncClient, sim: Simulator) -> None:
    endpoint = sim.endpoints[0]
    sim.set_setting(endpoint, LOCALES, None)
    sim.set_setting(endpoint, WAKE_WORDS, ["ALEXA"])
    response = await api.put(path(endpoint, WAKE_WORDS), json=["ECHO"])
    assert (response.status_code, LOCALES in response.json()["message"]) == (400, True)
    assert sim.settings(endpoint)[WAKE_WORDS] == ["ALEXA"]
    assert (await api.put(path(endpoint, LOCALES), json=["fr-FR"])).status_code == 204
    assert (await api.put(path(endpoint, WAKE_WORDS), json=["COMPUTER"])).status_code == 400
    assert (await api.put(path(endpoint, WAKE_WORDS), json=["ECHO"])).status_code == 204
    assert sim.settings(endpoint)[WAKE_WORDS] == ["ECHO"]


async def test_reads_several_settings(api: httpx.AsyncClient, sim: Simulator) -> None:
    endpoint = sim.endpoints[0]
    sim.set_setting(endpoint, TIME_ZONE, "Europe/Paris")
    sim.set_setting(endpoint, LOCALES, ["en-US"])
    sim.set_setting(endpoint, DO_NOT_DISTURB, False)
    sim.set_setting(endpoint, WAKE_WORDS, None)
    keys = f"{TIME_ZONE},{WAKE_WORDS},{DO_NOT_DISTURB},{LOCALES},{TIME_ZONE}"
    response = await api.get(many(endpoint), params={"keys": keys})
    assert response.json() == {
        "settings": [
            {"key": TIME_ZONE, "value": "Europe/Paris"},
            {"key": DO_NOT_DISTURB, "value": False},
            {"key": LOCALES, "value": ["en-US"]},
        ]
    }
    assert (sim.calls[-1].operation, sim.calls[-1].endpoint_id) == ("endpoint_settings.get_many", endpoint)
    assert (await api.get(f"{many(endpoint)}/?keys={WAKE_WORDS}")).json() == {"settings": []}
    assert (await api.get(f"{many(endpoint)}?keys={SETUP_MODE},{WAKE_WORDS}")).json() == {
        "settings": [{"key": SETUP_MODE, "value": []}]
    }


async def test_reads_several_settings_in_pages(api: httpx.AsyncClient, sim: Simulator) -> None:
    endpoint, other = sim.endpoints[:2]
    for key, (good, _) in VALUES.items():
        sim.set_setting(endpoint, key, good[0])
    sim.empty_pages, sim.end_of_list = 1, "null"
    found: list[dict[str, Any]] = []
    sizes: list[int] = []
    params = {"keys": ",".join(VALUES)}
    while True:
        body = (await api.get(many(endpoint), params=params)).json()
        sizes.append(len(body["settings"]))
        found += body["settings"]
        token = body["paginationContext"]["nextToken"]
        if token is None:
            break
        params["nextToken"] = token
    assert sizes == [0, 10, 8]
    assert found == [{"key": key, "value": good[0]} for key, (good, _) in VALUES.items()]
    assert (await api.get(many(other), params=params)).status_code == 400
    assert (await api.get(many(endpoint), params={**params, "keys": TIME_ZONE})).status_code == 400
    sim.empty_pages = 0
    for size, status in (("1", 200), ("10", 200), ("11", 400), ("0", 400), ("ten", 400)):
        response = await api.get(many(endpoint), params={"keys": ",".join(VALUES), "maxResults": size})
        assert response.status_code == status
        assert status == 400 or len(response.json()["settings"]) == int(size)


BAD_KEYS: list[str] = [
    "",
    "keys=",
    "keys=System.colour",
    f"keys={TIME_ZONE},System.colour",
    f"keys={TIME_ZONE},",
    f"keys={TIME_ZONE}&keys={LOCALES}",
    f"keys={TIME_ZONE}&nextToken=nonsense",
    "keys=address",
]


async def test_rejects_invalid_lists_of_keys(api: httpx.AsyncClient, sim: Simulator) -> None:
    for query in BAD_KEYS:
        response = await api.get(f"{many(sim.endpoints[0])}?{query}")
        assert (response.status_code, response.json()["type"]) == (400, "BAD_REQUEST"), query


async def test_sets_and_reads_the_address(api: httpx.AsyncClient, sim: Simulator) -> None:
    endpoint = sim.endpoints[0]
    sim.set_setting(endpoint, "address", None)
    response = await api.get(path(endpoint, "address"))
    assert (response.status_code, response.content) == (204, b"")
    assert sim.calls[-1].operation == "endpoint_settings.get_address"
    response = await api.post(path(endpoint, "address"), json={"address": ADDRESS})
    assert (response.status_code, response.content) == (204, b"")
    call = sim.calls[-1]
    assert (call.operation, call.endpoint_id, call.body) == (
        "endpoint_settings.set_address",
        endpoint,
        {"address": ADDRESS},
    )
    assert (await api.get(path(endpoint, "address"))).json() == {"address": ADDRESS}
    assert sim.settings(endpoint)["address"] == ADDRESS


BAD_ADDRESSES: list[object] = [
    None,
    [],
    {},
    ADDRESS,
    {"address": None},
    {"address": "2 Quay"},
    {"address": [ADDRESS]},
    {"address": {"city": 5}},
    {"address": {"city": None}},
    {"address": {"town": "Lyon"}},
]


async def test_rejects_invalid_addresses(api: httpx.AsyncClient, sim: Simulator) -> None:
    for body in BAD_ADDRESSES:
        endpoint = sim.endpoints[0]
        before = sim.settings(endpoint)
        response = await api.post(path(endpoint, "address"), json=body)
        assert (response.status_code, response.json()["type"]) == (400, "BAD_REQUEST"), body
        assert sim.settings(endpoint) == before, body


async def test_writes_need_the_device_and_reads_do_not(api: httpx.AsyncClient, sim: Simulator) -> None:
    first, second = sim.endpoints_in(sim.rooms[0])
    for endpoint in (first, second):
        sim.set_setting(endpoint, DO_NOT_DISTURB, True)
    sim.set_setting(first, "address", ADDRESS)
    before = sim.settings(first)
    sim.set_offline(first)
    for failing, status, code in (
        (None, 504, "DEVICE_UNREACHABLE"),
        ("DEVICE_NOT_REACHABLE", 504, "DEVICE_NOT_REACHABLE"),
        ("INTERNAL_SERVER_ERROR", 400, "INTERNAL_SERVER_ERROR"),
    ):
        sim.set_failing(first, code=failing)
        response = await api.put(path(first, DO_NOT_DISTURB), json=False)
        assert (response.status_code, response.json()["type"]) == (status, code)
        assert response.json().keys() == {"type", "message"}
        response = await api.post(path(first, "address"), json={"address": {}})
        assert (response.status_code, response.json()["type"]) == (status, code)
        assert (await api.put(path(first, DO_NOT_DISTURB), json="off")).json()["type"] == "BAD_REQUEST"
        assert (await api.get(path(first, DO_NOT_DISTURB))).json() is True
        assert (await api.get(path(first, "address"))).json() == {"address": ADDRESS}
        assert (await api.get(many(first), params={"keys": DO_NOT_DISTURB})).json()["settings"][0]["value"] is True
    assert sim.settings(first) == before
    assert (await api.put(path(second, DO_NOT_DISTURB), json=False)).status_code == 204
    sim.set_offline(first, offline=False)
    sim.set_failing(first, code=None)
    assert (await api.put(path(first, DO_NOT_DISTURB), json=False)).status_code == 204


def test_initial_settings_vary(sim: Simulator) -> None:
    found = {key: [sim.settings(endpoint).get(key) for endpoint in sim.endpoints] for key in (*VALUES, "address")}
    for key in VALUES.keys() - {"Alexa.ScreenController.screenControllerPolicy"}:
        assert len({str(value) for value in found[key]}) > 1, key
    assert {value is None for value in found["address"]} == {True, False}
    assert {value for value in found[DO_NOT_DISTURB] if isinstance(value, bool)} == {True, False}
    assert None not in found[LOCALES]
    assert found["Alexa.ManagedDevice.Settings.maximumVolumeLimit"].count(None) > 1


def test_initial_settings_depend_only_on_the_seed() -> None:
    one, two, other = Simulator(seed=3), Simulator(seed=3), Simulator(seed=4)
    backwards = {endpoint: two.settings(endpoint) for endpoint in reversed(two.endpoints)}
    assert {endpoint: one.settings(endpoint) for endpoint in one.endpoints} == backwards
    assert [one.volume(endpoint) for endpoint in one.endpoints] == [two.volume(endpoint) for endpoint in two.endpoints]
    ours, theirs = one.tree.units[one.rooms[0]], other.tree.units[other.rooms[0]]
    assert [one.settings(e.id) for e in ours.endpoints] != [other.settings(e.id) for e in theirs.endpoints]


def test_settings_are_read_and_set_from_python(sim: Simulator) -> None:
    endpoint = sim.endpoints[0]
    value = ["en-US"]
    sim.set_setting(endpoint, LOCALES, value)
    value.append("fr-FR")
    shown = sim.settings(endpoint)[LOCALES]
    assert isinstance(shown, list)
    shown.append("de-DE")
    assert sim.settings(endpoint)[LOCALES] == ["en-US"]
    with pytest.raises(ValueError, match=r"System\.colour"):
        sim.set_setting(endpoint, "System.colour", "blue")
    with pytest.raises(ValueError, match=r"System\.locales"):
        sim.set_setting(endpoint, LOCALES, "en-US")
    for call in (lambda: sim.settings("nope"), lambda: sim.set_setting("nope", LOCALES, None)):
        with pytest.raises(KeyError):
            call()
    fresh = Simulator(rooms=45, endpoints_per_room=2, seed=7, properties=2, unassigned_endpoints=3).settings(endpoint)
    sim.reset()
    assert sim.settings(endpoint) == fresh
