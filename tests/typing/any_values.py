"""What takes or returns JSON, settings or columns of any type. mypy and pyright check the types; nothing here runs."""

from __future__ import annotations

from typing import Any, assert_type

import httpx

from alexa_props import Setting, SmartProperties, fleet, to_dataframe, to_rows
from alexa_props.smart_properties.endpoints import Endpoint
from alexa_props.smart_properties.setting import EndpointSetting
from alexa_props.smart_properties.units import Unit


async def a_setting_that_the_library_does_not_know(asp: SmartProperties, endpoint: Endpoint) -> None:
    setting = EndpointSetting[bool]("Some.newSetting", bool)
    assert_type(await asp.endpoint_settings.get(endpoint, setting), bool | None)


async def several_settings_keep_their_types(asp: SmartProperties, endpoint: Endpoint) -> None:
    values = await asp.endpoint_settings.get_many(endpoint, [Setting.LOCALES, Setting.DO_NOT_DISTURB])
    assert_type(values[Setting.LOCALES], tuple[str, ...] | None)
    assert_type(values[Setting.DO_NOT_DISTURB], bool | None)
    assert_type(len(values), int)


async def a_request_that_is_not_modeled(asp: SmartProperties) -> None:
    response = await asp.request("GET", "/v2/anything", params={"expand": ["a", "b"]}, headers={"Accept": "text/html"})
    assert_type(response, httpx.Response)
    assert_type(response.status_code, int)
    await asp.request("POST", "/v2/anything", json={"name": "Room 320", "floors": [1, 2]})


async def an_interrupted_run(asp: SmartProperties, rooms: list[str]) -> None:
    try:
        await fleet.collect(asp.alerts.delete_alarms, rooms)
    except BaseException as error:
        report = fleet.report_of(error)
        assert report is not None
        assert_type(report.done[0].key, str)
        assert_type(report, fleet.FleetReport[Any, Any])
        raise


async def as_rows(asp: SmartProperties, units: list[Unit]) -> None:
    pager = asp.units.list("unit")
    assert_type(await pager.to_rows(), list[dict[str, Any]])
    page = await pager
    assert_type(page.to_rows(), list[dict[str, Any]])
    assert_type(page.to_csv(), str)
    page.to_jsonl("units.jsonl")
    assert_type(to_rows(units), list[dict[str, Any]])
    (await pager.to_dataframe()).groupby("level")
    page.to_dataframe().groupby("level")
    to_dataframe([], model=Unit).groupby("level")
