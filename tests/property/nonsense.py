"""Responses that no service should send: JSON that was tampered with, broken bodies and odd headers."""

from __future__ import annotations

import copy
import json
import re
import string
from collections.abc import Iterator, MutableMapping, MutableSequence
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

__all__ = ["BROKEN_BODIES", "HEADERS", "TEXT", "VALUES", "bodies", "encoded", "fuzz", "spoiled", "tampered"]

_RAW = re.compile(r'"@raw:([^"]*)"')
_DEEP = "[" * 100_000
_ODD_TEXT = (
    *("", " ", "null", "NaN", "-1", "1e999", "9" * 5000, "\u0665", "2023-13-45T00:00:00Z", "x" * 100_000),
    *("\ud800", "a\udfffb", "\x00", "\x1b[31mred\x1b[0m", "two\r\nlines", "\u2028", "\u202e", "\x85", "\U0001f3e8"),
    *(".", "..", "../..", "%2e", "~caller", "'\"\\", "{}", "__proto__"),
)
_NESTED = '{"a":' * 60 + "1" + "}" * 60
_RAW_TEXT = ("1e999", "-1e999", "NaN", "Infinity", "9" * 400, "9" * 5000, "-0", "1e-400", _DEEP, _NESTED)


def fuzz(examples: int) -> settings:
    """Return settings with new examples in each run; a failure prints how to reproduce it. Shrinking takes minutes."""
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        print_blob=True,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=(HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much),
    )


TEXT = st.one_of(
    st.sampled_from(_ODD_TEXT),
    st.text(st.characters(), max_size=12),  # halves of surrogate pairs included
    st.text(string.printable, max_size=12),
)
"""Any text, including halves of surrogate pairs, control characters and very long ones."""

_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-3, 3),
    st.sampled_from((10**400, -(10**400), 2**63, 1700000000, 1700000000000)),
    st.floats(),
    TEXT,
    # Written verbatim: Python's own writer refuses it.
    st.sampled_from(_RAW_TEXT).map("@raw:{}".format),
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=6,
)
"""Any JSON value, and some that are invalid."""


def _places(document: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every place of a document that has a value, as its holder and the key or index."""
    if isinstance(document, MutableMapping):
        keys: list[Any] = list(document)
    elif isinstance(document, MutableSequence):
        keys = list(range(len(document)))
    else:
        return
    for key in keys:
        yield document, key
        yield from _places(document[key])


WORST: tuple[Any, ...] = (
    *(None, True, 0, -1, 1.5, 10**400, -1e308, "", "\ud800", "\x1b[2J", [], {}, [None], [[]], {"": {}}, [True] * 100),
    *("@raw:1e999", "@raw:NaN", f"@raw:{'9' * 5000}", f"@raw:{_DEEP}", "Fri, 31 Dec 9999 23:59:59 -2359"),
)


def spoiled(document: Any) -> Iterator[bytes]:
    """Yield the document once for every place in it and each of the worst values put there."""
    whole = {"": copy.deepcopy(document)}
    for holder, key in list(_places(whole)):
        good = holder[key]
        for value in WORST:
            holder[key] = value
            yield encoded(whole[""])
        holder[key] = good


@st.composite
def tampered(draw: st.DrawFn, document: Any, most: int = 3) -> Any:
    """Draw the document with up to `most` changes: a value replaced, dropped, repeated, wrapped, or added."""
    whole = {"": copy.deepcopy(document)}
    for _ in range(draw(st.integers(0, most))):
        places = list(_places(whole))
        holder, key = places[draw(st.integers(0, len(places) - 1))]
        change = draw(st.sampled_from(("replace", "replace", "drop", "repeat", "wrap", "add")))
        if change == "replace":
            holder[key] = draw(VALUES)
        elif change == "wrap":
            holder[key] = draw(st.sampled_from(([holder[key]], {"value": holder[key]})))
        elif change == "add" and isinstance(holder[key], dict):
            holder[key][draw(TEXT)] = draw(VALUES)
        elif change == "repeat" and isinstance(holder[key], list):
            holder[key] *= draw(st.sampled_from((0, 2, 40)))
        elif change == "drop" and holder is not whole:
            del holder[key]
    return whole[""]


def encoded(value: Any, *, escape: bool = True) -> bytes:
    """Return the bytes of a document, with its raw text."""
    text = json.dumps(value, ensure_ascii=escape)
    return _RAW.sub(lambda found: found[1], text).encode("utf-8", "surrogatepass")


BROKEN_BODIES = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(
        (
            *(b"", b" ", b"<html>busy</html>", b"nul", b"\xff\xfe", b"\xef\xbb\xbf", b"\x00" * 8, b'{"a":1}{"a":2}'),
            *(_DEEP.encode(), b'{"a":' * 100_000, b'"\xed\xa0\x80"', b'{"id": "\xff"}', b"\x1f\x8b\x08\x00"),
        )
    ),
)
"""Bodies that are not JSON, or barely."""


@st.composite
def bodies(draw: st.DrawFn, document: Any) -> bytes:
    """Draw the bytes of a document that was tampered with before or after it was written, or a broken body."""
    if draw(st.integers(0, 9)) == 0:
        return draw(BROKEN_BODIES)
    content = encoded(draw(tampered(document)), escape=draw(st.booleans()))
    match draw(st.sampled_from(("unchanged",) * 6 + ("cut", "one byte", "twice", "encoding"))):
        case "cut":
            return content[: draw(st.integers(0, len(content)))]
        case "one byte":
            at = draw(st.integers(0, len(content)))
            return content[:at] + draw(st.binary(max_size=2)) + content[at + 1 :]
        case "twice":
            # Members that come twice.
            return content.replace(b"{", b'{"id":[],"errors":7,"code":{},"nextToken":1,"NextToken":1,', 1)
        case "encoding":
            encoding = draw(st.sampled_from(("utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-7")))
            return content.decode("utf-8", "replace").encode(encoding, "replace")
        case _:
            return content


_HEADER_TEXT = st.one_of(
    st.sampled_from(
        (
            *("", "0", "-1", "1.5", "1e3", "1e999", "nan", "inf", "9" * 400, "1_0", "soon", "\u00b2", "0x10", "5, 7"),
            *("Wed, 21 Oct 2015 07:28:00 GMT", "Fri, 31 Dec 9999 23:59:59 -2359", "Mon, 01 Jan 0001 00:00:00 +2359"),
            *("Wed, 99 Oct 2015 99:99:99 GMT", "Wed, 21 Oct 2015 07:28:00 +999999999", ",,,", "application/json"),
            *("application/json; charset=nonsense", "text/html; charset=utf-16", "\xff\xfe", "x" * 5000),
        )
    ),
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=12),
)
HEADERS = st.dictionaries(
    st.sampled_from(("retry-after", "date", "x-amzn-requestid", "content-type", "x-amzn-errortype", "location")),
    _HEADER_TEXT.map(str.strip),
    max_size=4,
).map(lambda headers: [(name.encode(), value.encode("latin-1")) for name, value in headers.items()])
"""Headers that are read, with any value that HTTP allows."""
