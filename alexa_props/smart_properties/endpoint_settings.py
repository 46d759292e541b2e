"""Settings of an endpoint: do not disturb, locales, wake words, units, volume limit and others, and its address."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, TypeVar, overload

import attrs

from alexa_props.client import Resource
from alexa_props.errors import ConfigurationError, DecodeError
from alexa_props.operation import Group
from alexa_props.smart_properties.ids import EndpointId
from alexa_props.smart_properties.protocol import codec
from alexa_props.smart_properties.setting import EndpointSetting, Setting

__all__ = ["OPERATIONS", "Address", "EndpointSetting", "EndpointSettings", "Setting", "SettingValues"]

T = TypeVar("T")


@attrs.frozen
class Address:
    """The postal address of a device. Parts that are not known are None; Amazon's samples send "" for unused lines."""

    address_line1: str | None = None
    address_line2: str | None = None
    address_line3: str | None = None
    city: str | None = None
    state_or_region: str | None = None
    district_or_county: str | None = None
    postal_code: str | None = None
    country_code: str | None = None


class SettingValues(dict[EndpointSetting[Any], Any]):
    """Values by setting, each with the type of its setting: `values[Setting.LOCALES]` is a tuple of strings or None."""

    def __getitem__(self, setting: EndpointSetting[T]) -> T | None:
        value: T | None = super().__getitem__(setting)
        return value


def _read_address(body: Any) -> Address | None:
    # Whether the response has the wrapper of the request is not documented.
    address = body["address"] if isinstance(body, dict) and "address" in body else body
    return None if address is None else codec.structure(address, Address)


def _unread(body: Any) -> Any:
    """Return the JSON unchanged: `get` and `get_many` replace this with a function that reads their settings."""
    return body


_SETTINGS: Final = "/v2/endpoints/{endpoint_id}/settings"

_api: Final = Group("endpoint_settings", "endpoint-settings-api.html")
GET: Final = _api.get("get", f"{_SETTINGS}/{{key}}", _unread, nullable=True)
SET: Final = _api.put("set", f"{_SETTINGS}/{{key}}")
GET_MANY: Final = _api.list("get_many", _SETTINGS, _unread, items="settings")
GET_ADDRESS: Final = _api.get("get_address", f"{_SETTINGS}/address", _read_address, nullable=True)
SET_ADDRESS: Final = _api.post("set_address", f"{_SETTINGS}/address", idempotent=True)
OPERATIONS: Final = _api.operations


class EndpointSettings(Resource):
    """Read and change the settings and the address of an endpoint.

        values = await asp.endpoint_settings.get_many(endpoint_id, [Setting.LOCALES, Setting.TIME_ZONE])
        if values[Setting.LOCALES] != ("en-US",):
            await asp.endpoint_settings.set(endpoint_id, Setting.LOCALES, ["en-US"])

    Raises `DeviceUnreachable` for a 504 whose body says that it is about the device (inferred from deletions of
    alerts).
    """

    async def get(self, endpoint_id: EndpointId, setting: EndpointSetting[T]) -> T | None:
        """Return a setting of an endpoint, such as `Setting.LOCALES`; None if it has no value.

        A value that is none of the setting's known choices is returned as a plain string.
        """
        operation = attrs.evolve(GET, model=_require(setting).read)
        value: T | None = await self._call(operation, endpoint_id=endpoint_id, key=setting.key)
        return value

    # A setting that is a tuple takes a list too.
    @overload
    async def set(
        self, endpoint_id: EndpointId, setting: EndpointSetting[tuple[str, ...]], value: list[str] | tuple[str, ...]
    ) -> None: ...
    @overload
    async def set(self, endpoint_id: EndpointId, setting: EndpointSetting[T], value: T) -> None: ...
    async def set(self, endpoint_id: EndpointId, setting: EndpointSetting[Any], value: object) -> None:
        """Set a setting of an endpoint, such as `Setting.DO_NOT_DISTURB`.

        Raises:
            ConfigurationError: The setting is read only, or does not take the value.
        """
        await self._call(SET, endpoint_id=endpoint_id, key=_require(setting).key, body=setting.check(value))

    async def get_many(self, endpoint_id: EndpointId, settings: Iterable[EndpointSetting[Any]]) -> SettingValues:
        """Return several settings of an endpoint, with one call per 10 settings. `Setting.ALL` are all known ones.

        Settings that the service does not return are None: how it treats one that has no value, or that the device
        does not have, is not documented.
        """
        if not isinstance(settings, Iterable) or isinstance(settings, str):
            raise ConfigurationError(f"settings must be a list of settings such as Setting.ALL, not {settings!r:.80}")
        wanted = {_require(setting).key: setting for setting in settings}
        if not wanted:
            raise ConfigurationError("name at least one setting")

        def read(entry: Any) -> tuple[EndpointSetting[Any], Any] | None:
            if not isinstance(entry, dict) or not isinstance(entry.get("key"), str):
                raise DecodeError('invalid response: an entry of "settings" has no key')
            setting = wanted.get(entry["key"])
            return None if setting is None else (setting, setting.read(entry.get("value")))

        pager = self._pager(
            attrs.evolve(GET_MANY, item=read),
            endpoint_id=endpoint_id,
            keys=",".join(wanted),
            page_size=min(len(wanted), 10),
        )
        values = SettingValues(dict.fromkeys(wanted.values()))
        values.update([pair async for pair in pager if pair is not None])
        return values

    async def get_address(self, endpoint_id: EndpointId) -> Address | None:
        """Return the postal address of an endpoint; None if it has none. Inferred from what `set_address` sends."""
        return await self._call(GET_ADDRESS, endpoint_id=endpoint_id)

    async def set_address(self, endpoint_id: EndpointId, address: Address) -> None:
        """Set the postal address of an endpoint. Which parts the service requires is not documented."""
        if not isinstance(address, Address):
            raise ConfigurationError(f"address must be an Address, not {address!r:.80}")
        if address == Address():
            raise ConfigurationError("address must have at least one part")
        await self._call(SET_ADDRESS, endpoint_id=endpoint_id, address=address)


def _require(setting: EndpointSetting[T]) -> EndpointSetting[T]:
    if not isinstance(setting, EndpointSetting):
        raise ConfigurationError(f"a setting is one of Setting, such as Setting.LOCALES, not {setting!r:.80}")
    return setting
