"""What takes JSON of the user's own, or settings of any type. mypy and pyright check the types; nothing here runs."""

from __future__ import annotations

from typing import assert_type

import httpx

from alexa_props import Setting, SmartProperties
from alexa_props.smart_properties.endpoints import Endpoint
from alexa_props.smart_properties.setting import EndpointSetting


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
