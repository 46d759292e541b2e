"""The file of an inventory: lines of JSON with a version, replaced in one step, for its owner only.

The first line says what follows: a line per unit and a line per device. Read line by line, a large file takes no more
memory than the inventory.
"""

from __future__ import annotations

import datetime as dt
import functools
import itertools
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

import attrs
import cattrs

from alexa_props.errors import ConfigurationError
from alexa_props.replace_file import replace_file
from alexa_props.smart_properties.endpoints import Endpoint
from alexa_props.smart_properties.units import Unit

__all__ = ["Saved", "read", "write"]

T = TypeVar("T")

_FORMAT: Final = "alexa_props.Inventory"
_VERSION: Final = 1
_ADVICE: Final = "delete it, and load the inventory again"


@attrs.frozen
class Saved:
    """What is saved of an inventory."""

    root: Unit
    taken: dt.datetime
    has_endpoints: bool
    units: tuple[Unit, ...]
    devices: tuple[Endpoint, ...]


def write(path: str | os.PathLike[str], saved: Saved) -> None:
    """Replace a file in one step, so that it is never seen incomplete.

    Raises:
        OSError: It cannot be written.

    """
    replace_file(path, _lines(saved), encoding="ascii", mode=0o600)


def read(path: str | os.PathLike[str]) -> Saved:
    """Return what `write` has written.

    Raises:
        ConfigurationError: The file is damaged, has another format, or is from a newer version.
        OSError: It cannot be read.

    """
    try:
        with Path(path).open(encoding="ascii") as file:
            return _read(path, file)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        if isinstance(error, ConfigurationError):
            raise
        what = f"it has no {error}" if isinstance(error, KeyError) else str(error) or type(error).__name__
        raise ConfigurationError(f"{path} is damaged: {what}; {_ADVICE}") from None


def _lines(saved: Saved) -> Iterator[str]:
    plain = _converter().unstructure
    header = {
        "format": _FORMAT,
        "version": _VERSION,
        "taken": saved.taken.isoformat(),
        "has_endpoints": saved.has_endpoints,
        "root": plain(saved.root),
        "units": len(saved.units),
        "devices": len(saved.devices),
    }
    for each in itertools.chain((header,), map(plain, saved.units), map(plain, saved.devices)):
        yield json.dumps(each, separators=(",", ":")) + "\n"


def _read(path: str | os.PathLike[str], lines: Iterator[str]) -> Saved:
    try:
        header = json.loads(next(lines, ""))
    except ValueError:
        header = None
    if not isinstance(header, dict) or header.get("format") != _FORMAT:
        raise ConfigurationError(f"{path} is not an inventory that was saved with Inventory.save")
    version = header.get("version")
    if version != _VERSION:
        newer = isinstance(version, int) and version > _VERSION
        advice = "a newer version of alexa-props saved it: upgrade, or delete the file" if newer else _ADVICE
        raise ConfigurationError(f"{path} has version {version!r:.20} of its format, not {_VERSION}: {advice}")
    counts = [_exactly(header[name], int) for name in ("units", "devices")]
    structure = _converter().structure
    units = tuple(structure(each, Unit) for each in _objects(lines, counts[0]))
    devices = tuple(structure(each, Endpoint) for each in _objects(lines, counts[1]))
    if next(lines, None) is not None or (len(units), len(devices)) != tuple(counts):
        raise ValueError("it has more or fewer lines than its first line says")
    return Saved(
        structure(header["root"], Unit),
        _aware(header["taken"]),
        structure(header["has_endpoints"], bool),
        units,
        devices,
    )


def _objects(lines: Iterator[str], count: int) -> Iterator[Any]:
    return map(json.loads, itertools.islice(lines, count))


@functools.cache
def _converter() -> cattrs.Converter:
    """Return a converter that is exact: unlike the wire's, it knows microseconds, and corrects nothing."""
    converter = cattrs.Converter(omit_if_default=True, detailed_validation=False)
    for kind in (str, bool, int):
        converter.register_structure_hook(kind, _exactly)
    converter.register_structure_hook(dt.datetime, lambda text, _: _aware(text))
    converter.register_unstructure_hook(dt.datetime, dt.datetime.isoformat)
    return converter


def _exactly(value: Any, kind: type[T]) -> T:
    if type(value) is not kind:
        raise TypeError(f"{kind.__name__} was expected, not {value!r:.40}")
    return value


def _aware(text: object) -> dt.datetime:
    if not isinstance(text, str) or (time := dt.datetime.fromisoformat(text)).tzinfo is None:
        raise ValueError(f"a time with a time zone was expected, not {text!r:.40}")
    return time
