r"""Tab-separated lines: the dialect that commands print in a pipe and `fleet run --from` reads.

A line is a row, without headings or quotes. Tabs, line breaks, other unprintable characters and backslashes are
escaped as `\t`, `\n`, `\x1b`, `\u200b` and `\\`, so a cell never breaks a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from alexa_props.cli.streams import printable

__all__ = ["join", "split"]

_ESCAPE: Final = re.compile(r"\\(?:[\\tnr]|x[0-9a-f]{2}|u[0-9a-f]{4}|U00(?:0[0-9a-f]|10)[0-9a-f]{4})")
_SHORT: Final = {"\\": "\\", "t": "\t", "n": "\n", "r": "\r"}


def join(cells: Iterable[str]) -> str:
    """Return the line of a row, without a line break."""
    return "\t".join(printable(cell.replace("\\", "\\\\")) for cell in cells)


def split(line: str) -> list[str]:
    """Return the cells of a line. A backslash that starts no escape of `join` is kept verbatim."""
    return [_ESCAPE.sub(_character, cell) for cell in line.rstrip("\r\n").split("\t")]


def _character(escape: re.Match[str]) -> str:
    kind, digits = escape[0][1], escape[0][2:]
    return _SHORT.get(kind) or chr(int(digits, 16))
