"""Completion of names in the shell, from the names that the last command read, never from the network.

The names are in files of lines, which take less time to read than an inventory.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import typer

from alexa_props.cli.cache_folder import private_cache_folder
from alexa_props.replace_file import replace_file

if TYPE_CHECKING:
    from alexa_props import Inventory

__all__ = [
    "Choice",
    "complete_device",
    "complete_place",
    "complete_station",
    "complete_target",
    "complete_unit",
    "quote_for_bash",
    "remember",
]

_VARIABLES: Final = (
    *("ALEXA_PROPS_CLIENT_ID", "ALEXA_PROPS_REGION", "ALEXA_PROPS_BASE_URL", "ALEXA_PROPS_TOKEN_URL"),
    *("ALEXA_PROPS_ORGANIZATION_ID", "ALEXA_PROPS_PROFILE", "ALEXA_PROPS_CREDENTIALS"),
)
_ALLOWED: Final = frozenset(" -_./,+#&()'")
"""Characters of names that are offered, beside letters and digits: shells give others a meaning."""
_ROOM: Final = "room"
_UNIT: Final = "unit"
_DEVICE: Final = "device"


class Choice(NamedTuple):
    """What chooses the login and the organization, beside the environment."""

    profile: str | None
    credentials: str | None
    organization: str | None

    @property
    def key(self) -> str:
        """A hash for the name of a file."""
        known = [*self, *(os.environ.get(name) for name in _VARIABLES)]
        return hashlib.sha256("\0".join(each or "" for each in known).encode()).hexdigest()[:32]


# Names that commands store for completion.


def remember(choice: Choice, inventory: Inventory) -> None:
    """Store the names of an inventory for completion. Never fails."""
    folder = private_cache_folder(create=True)
    if folder is None:
        return
    rooms = set(map(str, inventory.rooms()))
    units = [
        (_ROOM if unit.id in rooms else _UNIT, unit.name or "", inventory.path_of(unit)) for unit in inventory.units
    ]
    _write(folder / f"names-{choice.key}-units", inventory.taken.timestamp(), units)
    if inventory.has_endpoints:
        devices = [(_DEVICE, each.friendly_name or "", each.serial_number or "") for each in inventory.devices]
        _write(folder / f"names-{choice.key}-devices", inventory.taken.timestamp(), devices)


def _write(path: Path, taken: float, lines: Iterable[tuple[str, str, str]]) -> None:
    with contextlib.suppress(OSError):
        if not path.exists() or path.stat().st_mtime < taken:
            text = ("\t".join(line) + "\n" for line in lines if all(map(_is_offered, line)))
            replace_file(path, text, mode=0o600)


def _is_offered(text: str) -> bool:
    return all(char.isalnum() or char in _ALLOWED for char in text) and text == text.strip()


# Candidates for the shell. Each function is the `autocompletion` of an argument.


def complete_place(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer rooms, and the paths of all units."""
    return _offer(ctx, incomplete, (_ROOM,))


def complete_unit(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer all units."""
    return _offer(ctx, incomplete, (_UNIT, _ROOM))


def complete_device(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer devices, and their serial numbers."""
    return _offer(ctx, incomplete, (_DEVICE,))


def complete_target(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer rooms and devices."""
    return _offer(ctx, incomplete, (_ROOM, _DEVICE))


def complete_station(incomplete: str) -> list[str]:
    """Offer the labels of stations."""
    from alexa_props import Stations  # only this argument needs it

    return [row.label for row in Stations.ALL if row.label and row.label.startswith(incomplete)]


def _offer(ctx: typer.Context, incomplete: str, kinds: tuple[str, ...]) -> list[str]:
    found: dict[str, None] = {}
    for kind, name, more in _lines(ctx, devices=_DEVICE in kinds):
        if kind in kinds and name.startswith(incomplete):
            found[name] = None
        # A path of a unit, once a part of it is typed; or the serial number of a device.
        if (kind in kinds if kind == _DEVICE else "/" in incomplete) and more.startswith(incomplete) and incomplete:
            found[more] = None
    return [each for each in found if each]


def _lines(ctx: typer.Context, *, devices: bool) -> Iterator[tuple[str, str, str]]:
    folder = private_cache_folder(create=False)
    if folder is None:
        return
    choice = Choice(*(ctx.params.get(name) for name in Choice._fields))
    for part in ("units", "devices") if devices else ("units",):
        with contextlib.suppress(OSError, ValueError):
            for line in (folder / f"names-{choice.key}-{part}").read_text(encoding="utf-8").splitlines():
                kind, name, more = line.split("\t")
                yield kind, name, more


def quote_for_bash(offered: str, typed: str) -> str:
    """Return the lines that are offered to bash, quoted unless the word that is typed begins with a quote.

    Args:
        offered: A text on each line.
        typed: All words, as bash gives them: unchanged, one on each line.

    """
    if typed.rpartition("\n")[2].startswith(("'", '"')):
        return offered
    return "".join(f"{_escaped(line)}\n" for line in offered.splitlines())


def _escaped(text: str) -> str:
    return "".join(char if char.isalnum() or char in "-_./,+=" else f"\\{char}" for char in text)
