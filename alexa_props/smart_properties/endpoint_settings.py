"""Settings of an endpoint: do not disturb, locales, wake words, units, volume limit and the like, and its address.

Source: https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/endpoint-settings-api.html
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, TypeVar, overload

import attrs

from alexa_props.client import Client
from alexa_props.errors import ConfigurationError, DecodeError
from alexa_props.operation import Operation, Paging, Param
from alexa_props.settings import require_id, require_text
from alexa_props.smart_properties.ids import EndpointId
from alexa_props.smart_properties.protocol import codec
from alexa_props.smart_properties.setting import EndpointSetting, Setting

__all__ = ["OPERATIONS", "Address", "EndpointSetting", "EndpointSettings", "Setting"]

_SOURCE: Final = "https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/endpoint-settings-api.html"

T = TypeVar("T")


@attrs.frozen
class Address:
    """The postal address of a device. None where it is not known; Amazon's samples send "" for lines not in use."""

    address_line1: str | None = None
    address_line2: str | None = None
    address_line3: str | None = None
    city: str | None = None
    state_or_region: str | None = None
    district_or_county: str | None = None
    postal_code: str | None = None
    country_code: str | None = None


def _read_address(body: Any) -> Address | None:
    """Whether the answer has the wrapper that the request has is not documented: both are read."""
    if isinstance(body, dict) and "address" in body:
        body = body["address"]
    return None if body is None else codec.structure(body, Address)


def _operation(name: str, method: str, rest: str, *params: Param, **more: Any) -> Operation:
    return Operation(
        name=f"endpoint_settings.{name}",
        method=method,
        path=f"/v2/endpoints/{{endpoint_id}}/settings{rest}",
        params=(Param("endpoint_id", None, "path"), *params),
        subject="endpoint_id",
        source=_SOURCE,
        **more,
    )


_KEY: Final = Param("key", None, "path")

# What values become depends on the setting: `get` and `get_many` put a function that reads them in place of Any.
GET: Final = _operation("get", "GET", "/{key}", _KEY, answer=Any)
SET: Final = _operation("set", "PUT", "/{key}", _KEY, Param("value", None, "body"))
GET_MANY: Final = _operation(
    "get_many",
    "GET",
    "",
    Param("keys", "keys", "query"),
    Param("page_size", "maxResults", "query"),
    Param("next_token", "nextToken", "query"),
    answer=Any,
    paging=Paging("settings", ("paginationContext", "nextToken")),
)
GET_ADDRESS: Final = _operation("get_address", "GET", "/address", answer=_read_address)
SET_ADDRESS: Final = _operation("set_address", "POST", "/address", Param("body", None, "body"))
OPERATIONS: Final = (GET, SET, GET_MANY, GET_ADDRESS, SET_ADDRESS)

_PAGE: Final = 10
"""The largest page that is documented."""


class EndpointSettings:
    """`client.endpoint_settings`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def get(self, endpoint_id: EndpointId, setting: EndpointSetting[T]) -> T | None:
        """One setting of an endpoint; None if it has no value.

        Args:
            endpoint_id: the endpoint.
            setting: which, such as `Setting.LOCALES`.

        Returns:
            What the setting is: a bool, number, string, tuple of strings or dict. A string that is none of the known
            choices arrives as it is.

        Raises:
            ConfigurationError: `endpoint_id` cannot be an id, or `setting` is none.
            DeviceUnreachable: 504, and the service says that it is for the device (inferred from deletions of alerts).
            DecodeError: the value is of another type.
            AlexaError: see `alexa_props.errors` for what any call may raise.

        Source: https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/endpoint-settings-api.html

        """
        arguments = {"endpoint_id": endpoint_id, "key": _require(setting).key}
        value: T | None = await self._client.call(attrs.evolve(GET, answer=setting.read), arguments)
        return value

    # A list will do where a setting is a tuple.
    @overload
    async def set(
        self, endpoint_id: EndpointId, setting: EndpointSetting[tuple[str, ...]], value: list[str] | tuple[str, ...]
    ) -> None: ...
    @overload
    async def set(self, endpoint_id: EndpointId, setting: EndpointSetting[T], value: T) -> None: ...
    async def set(self, endpoint_id: EndpointId, setting: EndpointSetting[Any], value: Any) -> None:
        """Set a setting of an endpoint. Setting it twice is the same as once, so it is retried.

        Args:
            endpoint_id: the endpoint.
            setting: which, such as `Setting.DO_NOT_DISTURB`.
            value: as the setting takes it; for a list of strings a list or a tuple, never one string.

        Raises:
            ConfigurationError: `endpoint_id` cannot be an id, `setting` is none or is read only, or it does not take
                the value.
            BadRequest: the service does not accept the value (400).
            DeviceUnreachable: 504, and the service says that it is for the device (inferred from deletions of alerts).
            AlexaError: see `alexa_props.errors` for what any call may raise.

        Source: https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/endpoint-settings-api.html

        """
        checked = _require(setting).check(value)
        arguments = {"endpoint_id": endpoint_id, "key": setting.key, "value": checked}
        await self._client.call(SET, arguments)

    async def get_many(
        self, endpoint_id: EndpointId, settings: Iterable[EndpointSetting[Any]]
    ) -> dict[EndpointSetting[Any], Any]:
        """Several settings of an endpoint at once: one call for up to 10 of them, then one for every further page.

        Args:
            endpoint_id: the endpoint.
            settings: which, at least one; `Setting.ALL` for all that are known.

        Returns:
            A value for each of `settings`, as from `get`. One that does not come back is None: how the service answers
            for a setting that has no value, or that the device does not have, is not documented.

        Raises:
            ConfigurationError: `endpoint_id` cannot be an id, or `settings` is no list of settings.
            DecodeError: a value is of another type.
            AlexaError: see `alexa_props.errors` for what any call may raise.

        Source: https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/endpoint-settings-api.html

        """
        if not isinstance(settings, Iterable) or isinstance(settings, str):
            raise ConfigurationError(
                f"settings must be a list of settings such as Setting.LOCALES, not {settings!r:.80}"
            )
        wanted = {_require(setting).key: setting for setting in settings}
        if not wanted:
            raise ConfigurationError("name at least one setting")

        def read(entry: Any) -> tuple[EndpointSetting[Any], Any] | None:
            if not isinstance(entry, dict) or not isinstance(entry.get("key"), str):
                raise DecodeError('the answer makes no sense: an entry of "settings" has no key')
            setting = wanted.get(entry["key"])
            return None if setting is None else (setting, setting.read(entry.get("value")))

        arguments = {
            "endpoint_id": require_id("endpoint_id", endpoint_id),
            "keys": ",".join(wanted),
            "page_size": min(len(wanted), _PAGE),
        }
        operation = attrs.evolve(GET_MANY, answer=read)
        pager = self._client.pager(operation, lambda token: {**arguments, "next_token": token})
        return dict.fromkeys(wanted.values()) | dict([pair async for pair in pager if pair is not None])

    async def get_address(self, endpoint_id: EndpointId) -> Address | None:
        """The postal address of an endpoint; None if it has none. The answer is inferred from what is sent.

        Args:
            endpoint_id: the endpoint.

        Raises:
            ConfigurationError: `endpoint_id` cannot be an id.
            AlexaError: see `alexa_props.errors` for what any call may raise.

        Source: https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/endpoint-settings-api.html

        """
        address: Address | None = await self._client.call(GET_ADDRESS, {"endpoint_id": endpoint_id})
        return address

    async def set_address(self, endpoint_id: EndpointId, address: Address) -> None:
        """Set the postal address of an endpoint. Setting it twice is the same as once, so it is retried.

        Args:
            endpoint_id: the endpoint.
            address: parts that are None are not sent; which ones the service insists on is not documented.

        Raises:
            ConfigurationError: `endpoint_id` cannot be an id, or `address` is none, or has a part that is no string.
            BadRequest: the service does not accept the address (400).
            AlexaError: see `alexa_props.errors` for what any call may raise.

        Source: https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/endpoint-settings-api.html

        """
        if not isinstance(address, Address):
            raise ConfigurationError(f"address must be an Address, not {address!r:.80}")
        parts = {name: part for name, part in attrs.asdict(address).items() if part is not None}
        if not parts:
            raise ConfigurationError("address must have at least one part")
        for name, part in parts.items():
            if not isinstance(part, str):
                raise ConfigurationError(f"address.{name} must be a string or None, not {part!r:.80}")
            require_text(f"address.{name}", part)
        await self._client.call(SET_ADDRESS, {"endpoint_id": endpoint_id, "body": {"address": address}})


def _require(setting: object) -> EndpointSetting[Any]:
    if not isinstance(setting, EndpointSetting):
        raise ConfigurationError(f"a setting is one of Setting, such as Setting.LOCALES, not {setting!r:.80}")
    return setting
