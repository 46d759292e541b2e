"""Cells that a spreadsheet shows as text and does not run as formulas."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["guard", "unguard"]

# The last four are full-width.
_FORMULA: Final = "[=+\\-@\uff1d\uff0b\uff0d\uff20]"
# Spreadsheets drop blanks and control characters before a formula. An apostrophe counts, so that an original one can be
# distinguished from an added one.
_IGNORED: Final = r"""(?:[^\S\t\r\n]|[\x00-\x08\x0e-\x1f"'])*"""
# If the decimal separator is a comma, a spreadsheet splits lines at semicolons or tabs and ignores quotes. Each
# semicolon, tab and line break inside a cell may then start a cell.
_START: Final = r"(?:^|(?<=[;\t\r\n]))"
# A tab or a line break counts as blank only at the start of a whole cell; elsewhere it starts a cell.
_AHEAD: Final = rf"(?={_IGNORED}{_FORMULA})"
_BLANK_AHEAD: Final = rf"(?={_IGNORED}[\t\r\n])"
_BARE: Final = re.compile(rf"{_START}{_AHEAD}|^{_BLANK_AHEAD}")
_GUARDED: Final = re.compile(rf"{_START}'{_AHEAD}|^'{_BLANK_AHEAD}")


def guard(text: str) -> str:
    """Return the text with an apostrophe before everything that a spreadsheet would run as a formula."""
    return _BARE.sub("'", text)


def unguard(text: str) -> str:
    """Return the text that `guard` was given."""
    return _GUARDED.sub("", text)
