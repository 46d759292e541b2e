"""Pages and their tokens: opaque, and valid only for the query that they were issued for."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import struct
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Generic, Literal, TypeVar, get_args

import attrs

from alexa_props.simulator.checks import checked, choice, whole

__all__ = ["FIRST", "EndOfList", "Pagination", "Position", "TokenRefused"]

T = TypeVar("T")
EndOfList = Literal["absent", "null", "empty"]

_POSITION = struct.Struct(">IH")
_MOST_EMPTY_PAGES = 0xFFFF
# 21 bytes are 28 characters of base64 without padding.
_SEAL_BYTES = 15
_TOKEN = re.compile(r"[A-Za-z0-9_-]{28}")


class TokenRefused(ValueError):
    """The token was never issued, or was issued for another query."""


@attrs.frozen
class Position:
    """Where a page starts: the number of items before it, or the mark of its first one, and of empty pages."""

    items: int = 0
    empty_pages: int = 0


FIRST = Position()


@attrs.frozen
class Slice(Generic[T]):
    """One page: its items, and the token of the next page."""

    items: Sequence[T]
    next_token: str | None


@attrs.define
class Pagination:
    """Cuts lists into pages."""

    secret: bytes
    """Seals the tokens."""
    empty_pages: int = attrs.field(default=0, validator=checked(whole, 0, _MOST_EMPTY_PAGES))
    """How many empty pages with a token precede the first item of every list."""
    end_of_list: EndOfList = attrs.field(default="absent", validator=checked(choice, get_args(EndOfList)))
    """How the token looks at the end of a list."""

    def _seal(self, query: object, position: bytes) -> bytes:
        return hmac.digest(self.secret, position + repr(query).encode(), hashlib.sha256)[:_SEAL_BYTES]

    def _issue(self, query: object, position: Position) -> str:
        packed = _POSITION.pack(position.items, position.empty_pages)
        # Amazon's command-line tool puts tokens into a query without encoding them.
        return base64.urlsafe_b64encode(self._seal(query, packed) + packed).decode()

    def locate(self, query: object, token: str | None) -> Position:
        """Return where the page of a token starts.

        Args:
            query: Everything that the list depends on, except for the page size.
            token: The token; None for the first page.

        Raises:
            TokenRefused: It is not a token of this query.
        """
        if token is None:
            return FIRST
        if not _TOKEN.fullmatch(token):
            raise TokenRefused("the token was never issued")
        raw = base64.urlsafe_b64decode(token)
        seal, packed = raw[:_SEAL_BYTES], raw[_SEAL_BYTES:]
        if not hmac.compare_digest(seal, self._seal(query, packed)):
            raise TokenRefused("the token was not issued for this query")
        items, empty_pages = _POSITION.unpack(packed)
        return Position(items, empty_pages)

    def cut(
        self,
        query: object,
        position: Position,
        items: Sequence[T],
        size: int,
        mark: Callable[[T], int] | None = None,
    ) -> Slice[T]:
        """Return the page of a list at a position.

        Args:
            query: The query that the token will be valid for.
            position: Where the page starts.
            items: The whole list.
            size: The page size.
            mark: Returns a number above 0 that never changes for an item and increases along the list. With it, items
                created or deleted between two pages do not shift the others. Without it, the list must not change.
        """
        if position.items == 0 and position.empty_pages < self.empty_pages:
            return Slice((), self._issue(query, Position(0, position.empty_pages + 1)))
        start = position.items if mark is None else bisect_left(items, position.items, key=mark)
        end = start + size
        if end >= len(items):
            return Slice(items[start:], None)
        following = end if mark is None else mark(items[end])
        return Slice(items[start:end], self._issue(query, Position(following, position.empty_pages)))
