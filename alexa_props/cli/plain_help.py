"""Help that names arguments as manuals do: ROOM, not {ROOM} and <str>."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any, Final

__all__ = ["use_plain_names"]

_BRACES: Final = re.compile(r"\{(.*)\}(\.\.\.)?")
_TYPE: Final = re.compile(r" <[^>]*>$")


def use_plain_names(command: Any) -> None:
    """Rewrite the usage line and the list of arguments of a command and of all commands below it."""
    command.collect_usage_pieces = functools.partial(_usage, command.collect_usage_pieces)
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            parameter.get_help_record = functools.partial(_record, parameter.get_help_record)
    for each in getattr(command, "commands", {}).values():
        use_plain_names(each)


def _usage(pieces: Callable[[Any], list[str]], context: Any) -> list[str]:
    return [_BRACES.sub(r"\1\2", piece) for piece in pieces(context)]


def _record(record: Callable[[Any], tuple[str, str] | None], context: Any) -> tuple[str, str] | None:
    found = record(context)
    return None if found is None else (_TYPE.sub("", found[0]), found[1])
