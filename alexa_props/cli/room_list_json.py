"""A list of rooms in JSON: objects or ids, one per line, in an array, or spread over several lines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

from alexa_props.cli.room_list_rows import Row, Source

__all__ = ["json_rows", "looks_like_json"]

_STRING: Final = r'"(?:[^"\\\x00-\x1f]|\\.)*"'
_OBJECT: Final = rf"\{{\s*(?:\}}|{_STRING}\s*:)"
_JSON: Final = re.compile(rf"\s*(?:{_OBJECT}|\[\s*(?:\]|{_OBJECT}|{_STRING}\s*[],]))")
"""The start of JSON, as opposed to an id that starts with a brace."""
_BLANK: Final = re.compile(r"[ \t\r\n]*")


def looks_like_json(text: str) -> bool:
    """Return whether a list is JSON, by how it starts."""
    return _JSON.match(text) is not None


def json_rows(source: Source, text: str) -> Iterator[Row]:
    """Yield the rows of JSON lines, of a JSON array, or of objects that span several lines."""
    decoder, line, at, number = json.JSONDecoder(object_pairs_hook=_members), 1, 0, 0
    while True:
        start = _end_of_blanks(text, at)
        line, at = line + text.count("\n", at, start), start
        if at == len(text):
            return
        try:
            value, end = decoder.raw_decode(text, at)
        except _DuplicateError as error:
            raise source.error(line, f"after row {number}: a JSON object has {str(error)!r:.80} twice") from None
        except (ValueError, RecursionError):
            raise source.error(line, f"the JSON after row {number} is damaged or truncated") from None
        for each in value if isinstance(value, list) else [value]:
            number += 1
            yield _json_row(source, line, number, each)
        line, at = line + text.count("\n", at, end), end


class _DuplicateError(Exception):
    """An object has a member twice, so that it is ambiguous."""


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        raise _DuplicateError(next(name for name in names if names.count(name) > 1))
    return members


def _json_row(source: Source, line: int, number: int, value: object) -> Row:
    if isinstance(value, str):
        return Row(line, number, {"room": value})
    if not isinstance(value, dict):
        raise source.error(line, f"row {number} is not a JSON object")
    names = list(value)
    cells = {column: value[names[place]] for column, place in source.columns(line, names).items()}
    return Row(line, number, {column: _text_of(cell) for column, cell in cells.items()})


def _text_of(cell: object) -> str | None:
    if isinstance(cell, int) and not isinstance(cell, bool):
        return str(cell)  # a room number, or a level
    return cell if isinstance(cell, str) else None


def _end_of_blanks(text: str, start: int) -> int:
    found = _BLANK.match(text, start)
    return found.end() if found else start
