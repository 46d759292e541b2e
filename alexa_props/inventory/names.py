"""Names as people type them: compared without case, accents and leading zeros, and in a natural order."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

__all__ = ["fold", "has_digit", "label_of", "mac_of", "natural", "parts_of", "without_zeros", "words_of"]

# Marks of Latin, Greek and Cyrillic letters. Marks of other scripts make other letters.
_ACCENTS: Final = re.compile("[\u0300-\u036f]+")
_BLANKS: Final = re.compile(r"\s+")
_WORD: Final = re.compile(r"\w+")
_DIGITS: Final = re.compile(r"(\d+)")
_MAC: Final = re.compile(r"[0-9a-f]{2}(?:[:-]?[0-9a-f]{2}){5}", re.IGNORECASE)


def fold(text: str) -> str:
    """Return a text without case, accents and repeated blanks, for comparison."""
    if text.isascii():
        return " ".join(text.lower().split())
    text = unicodedata.normalize("NFKC", text).casefold()
    text = _ACCENTS.sub("", unicodedata.normalize("NFKD", text))
    return _BLANKS.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()


def parts_of(text: str) -> list[str]:
    """Return the parts of a path, folded. Empty ones do not count."""
    # Folding may make a slash, as of a full-width one.
    return [part for each in fold(text).split("/") if (part := each.strip())]


def label_of(name: str | None, own_id: str) -> str:
    """Return the name that stands in paths: the id if there is none, or nothing but blanks and slashes."""
    return name if name and parts_of(name) else own_id


def words_of(folded: str) -> list[str]:
    """Return the words and numbers of a folded name."""
    return _WORD.findall(folded)


def without_zeros(word: str) -> str:
    """Return a room number without leading zeros."""
    return word.lstrip("0") or word[-1:]


def has_digit(text: str) -> bool:
    """Return whether a text has a number in it."""
    return _DIGITS.search(text) is not None


def mac_of(text: str) -> str | None:
    """Return a MAC address without separators; None if the text is none."""
    text = text.strip()
    return re.sub("[:-]", "", text).lower() if _MAC.fullmatch(text) else None


def natural(text: str) -> Sequence[object]:
    """Return a key that sorts "Room 9" before "Room 10"."""
    pieces: list[object] = list(_DIGITS.split(fold(text)))
    for at in range(1, len(pieces), 2):
        digits = str(pieces[at]).lstrip("0")
        # Not a number: Python refuses to convert thousands of digits.
        pieces[at] = (len(digits), digits)
    return pieces
