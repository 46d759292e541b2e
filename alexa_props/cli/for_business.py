"""`alexa-props a4b`: devices, their events, and users of Alexa for Business or a service that speaks its protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import attrs
import typer

from alexa_props import AlexaForBusiness
from alexa_props.cli.exit import run
from alexa_props.cli.rows import Rows
from alexa_props.cli.shared import Display, with_shared_options
from alexa_props.for_business.devices import FILTER_KEYS, SORT_KEYS, DeviceData, DeviceEventType
from alexa_props.for_business.users import FILTER_KEYS as USER_KEYS

__all__ = ["a4b"]

a4b = typer.Typer(
    no_args_is_help=True,
    help="Show devices and users of Alexa for Business.\n\n"
    "Credentials and region come from AWS_* variables or botocore.",
)

BaseUrl = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        envvar="ALEXA_PROPS_A4B_BASE_URL",
        help="Replaces the region's host.",
        show_default=False,
    ),
]

_DEVICE: Final = (
    "room_name",
    "device_name",
    "device_serial_number",
    "device_status",
    "connection_status",
    "device_arn",
)
_USER: Final = ("email", "first_name", "last_name", "enrollment_status", "user_arn")
_EVENT: Final = ("timestamp", "type", "value")


def _filters(keys: Sequence[str]) -> Any:
    """Return the option `--filter`, which may be repeated; values of the same key are joined."""
    return typer.Option("--filter", metavar="KEY=VALUE[,VALUE…]", help=f"Keys: {', '.join(keys)}.", show_default=False)


def _sort(keys: Sequence[str]) -> Any:
    return typer.Option(
        "--sort",
        metavar="[-]KEY[,[-]KEY…]",
        help=f"A minus sorts in descending order. Keys: {', '.join(keys)}.",
        show_default=False,
    )


def _parse_filters(filters: Sequence[str] | None) -> Mapping[str, Sequence[str]] | None:
    parsed: dict[str, list[str]] = {}
    for text in filters or ():
        key, _, values = text.partition("=")
        if not key or not values:
            raise typer.BadParameter(f"{text!r} is not a filter: give KEY=VALUE, or KEY=VALUE,VALUE")
        parsed.setdefault(key, []).extend(values.split(","))
    return parsed or None


def _keys(sort: str | None) -> Sequence[str] | None:
    return sort.split(",") if sort else None


@a4b.command()
@with_shared_options()
def devices(
    *,
    filters: Annotated[list[str] | None, _filters(FILTER_KEYS)] = None,
    sort: Annotated[str | None, _sort(SORT_KEYS)] = None,
    base_url: BaseUrl = None,
    display: Display,
) -> None:
    """List devices.

    Prints room, name, serial number, status, connection and ARN.

    Example: alexa-props a4b devices --filter ConnectionStatus=OFFLINE
    """
    run(_devices(_parse_filters(filters), _keys(sort), base_url, display))


async def _devices(
    filters: Mapping[str, Sequence[str]] | None, sort: Sequence[str] | None, base_url: str | None, display: Display
) -> None:
    async with AlexaForBusiness.from_env(base_url=base_url) as client:
        with Rows(_DEVICE, display) as rows:
            await rows.add_all(client.devices.search(filters=filters, sort=sort), _device)


def _device(device: DeviceData) -> dict[str, Any]:
    info = device.device_status_info
    return {**attrs.asdict(device), "connection_status": info.connection_status if info else None}


@a4b.command()
@with_shared_options("no_ids")
def events(
    *,
    device_arn: Annotated[str, typer.Argument(metavar="DEVICE_ARN", help="ARN of the device.", show_default=False)],
    event_type: Annotated[
        DeviceEventType | None,
        typer.Option(
            "--type",
            metavar="TYPE",
            help=f"{' or '.join(DeviceEventType)}; defaults to both.",
            show_default=False,
        ),
    ] = None,
    base_url: BaseUrl = None,
    display: Display,
) -> None:
    """List the events of a device, newest first.

    Prints time, type and value.
    """
    run(_events(device_arn, event_type, base_url, display))


async def _events(device_arn: str, event_type: DeviceEventType | None, base_url: str | None, display: Display) -> None:
    async with AlexaForBusiness.from_env(base_url=base_url) as client:
        with Rows(_EVENT, display) as rows:
            await rows.add_all(client.devices.events(device_arn, event_type=event_type))


@a4b.command()
@with_shared_options()
def users(
    *,
    filters: Annotated[list[str] | None, _filters(USER_KEYS)] = None,
    sort: Annotated[str | None, _sort(USER_KEYS)] = None,
    base_url: BaseUrl = None,
    display: Display,
) -> None:
    """List users.

    Prints e-mail, names, enrollment and ARN.
    """
    run(_users(_parse_filters(filters), _keys(sort), base_url, display))


async def _users(
    filters: Mapping[str, Sequence[str]] | None, sort: Sequence[str] | None, base_url: str | None, display: Display
) -> None:
    async with AlexaForBusiness.from_env(base_url=base_url) as client:
        with Rows(_USER, display) as rows:
            await rows.add_all(client.users.search(filters=filters, sort=sort))
