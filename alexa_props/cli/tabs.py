r"""Tab-separated lines: the one dialect that commands print in a pipe and that `fleet run --from` reads.

A line is a row, without a heading and without quotes. Tabs, line breaks, other characters that do not print, and
backslashes are written as `\t`, `\n`, `\x1b`, `\u200b`, `\\` and so on, so a cell never breaks a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from alexa_props.cli.exit import plain

__all__ = ["join", "split"]

_ESCAPE: Final = re.compile(r"\\(?:[\\tnr]|x[0-9a-f]{2}|u[0-9a-f]{4}|U00(?:0[0-9a-f]|10)[0-9a-f]{4})")
_SHORT: Final = {"\\": "\\", "t": "\t", "n": "\n", "r": "\r"}


def join(cells: Iterable[str]) -> str:
    """Return the line of a row, without a line break at its end."""
    return "\t".join(plain(cell.replace("\\", "\\\\")) for cell in cells)


def split(line: str) -> list[str]:
    """Return the cells of a line. A backslash that starts none of our escapes stands for itself."""
    return [_ESCAPE.sub(_character, cell) for cell in line.rstrip("\r\n").split("\t")]


def _character(escape: re.Match[str]) -> str:
    kind, digits = escape[0][1], escape[0][2:]
    return _SHORT.get(kind) or chr(int(digits, 16))
