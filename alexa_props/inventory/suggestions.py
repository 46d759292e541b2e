"""Names that are similar to a misspelled one."""

from __future__ import annotations

import difflib
import heapq
from collections.abc import Iterable, Mapping
from typing import Final, TypeVar

__all__ = ["closest", "similar"]

K = TypeVar("K")

_LONGEST: Final = 200
"""Characters that are compared: comparing takes their number squared."""
_NEAR: Final = 40
"""Names with the most pairs of letters in common, which are compared exactly."""
_SIMILAR: Final = 0.6
"""Share of a name that must be equal."""


def similar(name: str, names: Iterable[str]) -> list[str]:
    """Return names that are similar to a name. All are folded."""
    name = name[:_LONGEST]
    pairs = {name[at : at + 2] for at in range(len(name) - 1)} or {name}

    def in_common(other: str) -> float:
        found = sum(other[at : at + 2] in pairs for at in range(len(other) - 1))
        return 2 * found / (len(other) + len(name))

    near = heapq.nlargest(_NEAR, names, key=in_common)
    return [other for other in near if _ratio(name, other) >= _SIMILAR]


def closest(text: str, texts: Mapping[K, str]) -> list[K]:
    """Return the keys of texts, that of the most similar one first."""
    matcher = difflib.SequenceMatcher(b=text[:_LONGEST], autojunk=False)

    def likeness(key: K) -> float:
        matcher.set_seq1(texts[key][:_LONGEST])
        return matcher.ratio()

    return sorted(texts, key=likeness, reverse=True)


def _ratio(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, other[:_LONGEST], one, autojunk=False).ratio()
