"""The organization of a login: the unit at the top of the account, which no operation lists."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing
from pathlib import Path
from typing import Any, Final, TypeVar

import anyio
import typer

from alexa_props import SmartProperties
from alexa_props.cli.client import smart_properties
from alexa_props.cli.credentials import HOW_TO_FIND
from alexa_props.cli.exit import exit_on_error
from alexa_props.cli.stored_login import Credentials, read, save_organization
from alexa_props.cli.streams import note
from alexa_props.errors import AlexaError, ConfigurationError
from alexa_props.smart_properties.units import Unit

__all__ = ["add_organization"]

T = TypeVar("T")

_PAGES: Final = 3
"""Pages of devices to search for one in a unit."""
_UNITS: Final = 3
"""Units to start from: one of them may be out of reach."""
_LEVELS: Final = 16
"""Units on a way up; the hierarchy can be 15 levels deep."""
_TIME_LIMIT: Final = 20.0
"""Seconds for the whole search: a login does not wait for a service that is down."""


def add_organization(path: Path, given: str | None) -> None:
    """Find the organization of a login that was just stored, and store it too.

    Args:
        path: The file of the login, which stays stored whatever happens here.
        given: The id of the organization. None searches for it; on a terminal the user is prompted if none is found.

    """
    with exit_on_error():
        login = read(path)
        if login is None:  # another command has deleted it
            return
        if given is not None:
            try:
                _keep(login, path, given, _run(_get(login, given)))
            except AlexaError as error:
                raise ConfigurationError(f"the login is stored, but not its organization: {error}") from None
            return
        found = _found(login)
        if found is not None:
            _keep(login, path, found.id, found)
        elif sys.stdin.isatty():
            _prompt(login, path)
        else:
            note(f"the organization is unknown: add it with `alexa-props login --organization UNIT_ID`; {HOW_TO_FIND}")


def _found(login: Credentials) -> Unit | None:
    try:
        return _run(_search(login))
    except (AlexaError, TimeoutError) as error:
        note(f"cannot search for the organization: {str(error) or 'no response in time'}")
        return None


def _prompt(login: Credentials, path: Path) -> None:
    note(f"no device leads to the organization; {HOW_TO_FIND}")
    while True:
        # Not `input`: its prompt may go to a pipe.
        typer.echo("Organization id (Enter to skip): ", nl=False, err=True)
        given = sys.stdin.readline().strip()
        if not given:
            note("no organization is stored: commands that need one take --organization")
            return
        try:
            _keep(login, path, given, _run(_get(login, given)))
        except AlexaError as error:
            note(str(error))
        else:
            return


def _keep(login: Credentials, path: Path, organization_id: str, unit: Unit) -> None:
    save_organization(path, login.client_id, organization_id, unit.name)
    note(f"the organization is {unit.name or 'without a name'} ({organization_id})")
    if unit.parent_id and unit.level != 0:
        note(f"it is a unit below {unit.parent_id}, so commands see only what is in it")


def _run(call: Coroutine[Any, Any, T]) -> T:
    # Late, as in `exit.run`.
    import asyncio

    return asyncio.run(call)


async def _get(login: Credentials, unit_id: str) -> Unit:
    async with smart_properties(login) as asp:
        return await asp.units.get(unit_id)


async def _search(login: Credentials) -> Unit | None:
    """Return the organization of the first device whose unit leads to it; None if there is no such device."""
    async with smart_properties(login) as asp:
        with anyio.fail_after(_TIME_LIMIT):
            tried: set[str] = set()
            async with aclosing(_units_of_devices(asp)) as units:
                async for unit_id in units:
                    if unit_id in tried:
                        continue
                    if len(tried) == _UNITS:
                        break
                    tried.add(unit_id)
                    top = await _climb(asp, unit_id)
                    if top is not None:
                        return top
    return None


async def _units_of_devices(asp: SmartProperties) -> AsyncGenerator[str, None]:
    async with aclosing(asp.endpoints.list(owner="~caller", expand="all").pages()) as pages:
        count = 0
        async for page in pages:
            for endpoint in page.items:
                for unit in endpoint.associated_units:
                    yield unit.id
            count += 1
            if count == _PAGES:
                return


async def _climb(asp: SmartProperties, unit_id: str) -> Unit | None:
    """Return the unit without a parent above a unit; None if the way there is closed, or endless."""
    passed: set[str] = set()
    while unit_id not in passed and len(passed) < _LEVELS:
        passed.add(unit_id)
        try:
            unit = await asp.units.get(unit_id)
        except AlexaError as error:
            note(f"cannot read a unit above a device: {error}")
            return None
        if unit.level == 0 or not unit.parent_id:
            return unit
        unit_id = unit.parent_id
    return None
