"""`alexa-props settings`: the settings of devices."""

from __future__ import annotations

import difflib
import functools
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

import alexa_props
from alexa_props.cli.devices import Change, change_all, devices_of
from alexa_props.cli.exit import STATUS, Exit, run
from alexa_props.cli.places import TargetName
from alexa_props.cli.readings import print_readings, read_all
from alexa_props.cli.session import session
from alexa_props.cli.shared import Access, with_shared_options
from alexa_props.cli.steps import ByStep, print_steps
from alexa_props.cli.streams import note
from alexa_props.errors import ConfigurationError

if TYPE_CHECKING:
    from alexa_props.smart_properties.setting import EndpointSetting

__all__ = ["settings"]

settings = typer.Typer(no_args_is_help=True, help="Show or change settings of devices, such as the time zone.")

_TRUE: Final = ("true", "on", "yes")
_FALSE: Final = ("false", "off", "no")


def _known() -> dict[str, EndpointSetting[Any]]:
    """Return the known settings by the names that the command uses, such as "do-not-disturb"."""
    setting = alexa_props.Setting
    return {
        name.lower().replace("_", "-"): value
        for name, value in vars(setting).items()
        if name != "ALL" and value in setting.ALL
    }


def _find(name: str) -> tuple[str, EndpointSetting[Any]]:
    """Return a setting by its name here, or by the service's name of a known one.

    Raises:
        typer.BadParameter: It is unknown.

    """
    known = _known()
    wanted = name.strip().lower().replace("_", "-")
    for each, setting in known.items():
        if wanted == each or name == setting.key:
            return each, setting
    near = difflib.get_close_matches(wanted, known, 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise typer.BadParameter(f"there is no setting {name!r}{hint} (the settings are {', '.join(known)})")


def _complete_key(incomplete: str) -> list[str]:
    return [name for name in _known() if name.startswith(incomplete)]


def _complete_assignment(incomplete: str) -> list[str]:
    return [f"{name}=" for name, setting in _known().items() if name.startswith(incomplete) and not setting.read_only]


@settings.command("get")
@with_shared_options()
def get_settings(
    *,
    target: TargetName,
    keys: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="KEY",
            help="A setting such as time-zone; defaults to all known settings.",
            show_default=False,
            autocompletion=_complete_key,
        ),
    ] = None,
    access: Access,
) -> None:
    """Show settings of a device, or of all devices in a room.

    Prints device, room, path, setting, value and id. Settings without a value are empty.

    Example: alexa-props settings get "Room 320" time-zone locales
    """
    wanted = dict(map(_find, keys)) if keys else _known()
    run(_get(target, wanted, access))


async def _get(target: str, wanted: dict[str, EndpointSetting[Any]], access: Access) -> Exit:
    async with session(access) as opened:
        devices = await devices_of(opened, target)

        async def read(endpoint_id: str) -> list[dict[str, Any]]:
            values = await opened.asp.endpoint_settings.get_many(endpoint_id, wanted.values())
            return [{"setting": name, "value": values[setting]} for name, setting in wanted.items()]

        readings = await read_all(devices, read)
    return print_readings(readings, devices, ("setting", "value"), access)


@settings.command("set")
@with_shared_options()
def set_settings(
    *,
    target: TargetName,
    assignments: Annotated[
        list[str],
        typer.Argument(
            metavar="KEY=VALUE",
            help="Such as time-zone=Europe/Paris, do-not-disturb=off or locales=en-US,fr-FR.",
            show_default=False,
            autocompletion=_complete_assignment,
        ),
    ],
    by_step: ByStep = False,
    access: Access,
) -> None:
    """Change settings of a device, or of all devices in a room.

    Values are checked before anything is sent. Prints a row per setting and device; a table has a row per device that
    failed.

    Example: alexa-props settings set "Room 320" time-zone=Europe/Paris
    """
    run(_set(target, _parse(assignments), access, by_step=by_step), writes=True)


async def _set(
    target: str, wanted: dict[str, tuple[EndpointSetting[Any], Any]], access: Access, *, by_step: bool
) -> Exit:
    async with session(access, changes=True) as opened:
        devices = await devices_of(opened, target)
        put = opened.asp.endpoint_settings.set
        changes = [
            Change(name, "endpoint_settings.set", functools.partial(put, setting=setting, value=value))
            for name, (setting, value) in wanted.items()
        ]
        steps = await change_all(devices, changes)
    print_steps(steps, devices.names, devices.place, access, by_step=by_step)
    count = f"{len(devices.names)} device(s)"
    note(f"{devices.title}: {len(steps) - len(steps.failed)} of {len(steps)} changes made on {count}")
    return STATUS[steps.status]


def _parse(assignments: Sequence[str]) -> dict[str, tuple[EndpointSetting[Any], Any]]:
    """Return the settings and values of assignments, in the order in which they are sent.

    Raises:
        typer.BadParameter: One of them is not KEY=VALUE, or its setting is unknown or does not take the value.

    """
    found: dict[str, tuple[EndpointSetting[Any], Any]] = {}
    for text in assignments:
        key, equals, value = text.partition("=")
        if not equals:
            raise typer.BadParameter(f"{text!r} is not a setting and its value: give KEY=VALUE")
        name, setting = _find(key)
        if name in found:
            raise typer.BadParameter(f"{name} is set twice")
        try:
            found[name] = (setting, setting.check(_value(setting, value)))
        except ConfigurationError as error:
            raise typer.BadParameter(f"{name}: {error}") from None
    # Wake words depend on the locales.
    return dict(sorted(found.items(), key=lambda each: each[0] != "locales"))


def _value(setting: EndpointSetting[Any], text: str) -> object:
    """Return a value from its text. The check of the setting refuses any other text."""
    if setting.kind is bool:
        return {**dict.fromkeys(_TRUE, True), **dict.fromkeys(_FALSE, False)}.get(text.strip().lower(), text)
    if setting.kind is tuple:
        return tuple(_choice(setting, part.strip()) for part in text.split(",")) if text.strip() else ()
    if setting.kind is str:
        return _choice(setting, text)
    try:
        return setting.kind(text) if setting.kind is not dict else json.loads(text)
    except ValueError:
        return text


def _choice(setting: EndpointSetting[Any], text: str) -> object:
    """Return the choice of a setting that a text means, whatever its case."""
    return next((each for each in setting.choices if str(each).casefold() == text.casefold()), text)
