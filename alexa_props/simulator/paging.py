"""Pages and their tokens: opaque, and good for the query that they were issued for only."""

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

__all__ = ["FIRST", "EndOfList", "Pagination", "Position", "Slice", "TokenRefused"]

T = TypeVar("T")
EndOfList = Literal["absent", "null", "empty"]

_POSITION = struct.Struct(">IH")
_MOST_EMPTY_PAGES = 0xFFFF
# 21 bytes are 28 characters of base64 without padding.
_SEAL_BYTES = 15
_TOKEN = re.compile(r"[A-Za-z0-9_-]{28}")


class TokenRefused(ValueError):
    """A token that was never issued, or that was issued for another query."""


@attrs.frozen
class Position:
    """Where a page starts: how many items came before it, or the mark of its first one, and how many empty pages."""

    items: int = 0
    empty_pages: int = 0


FIRST = Position()


@attrs.frozen
class Slice(Generic[T]):
    """One page: its items, and the token of the next one."""

    items: Sequence[T]
    next_token: str | None


@attrs.define
class Pagination:
    """Cuts lists into pages.

    Attributes:
        secret: Seals the tokens.
        empty_pages: How many empty pages with a token come before the first item of every listing.
        end_of_list: How the token looks at the end of a listing.
    """

    secret: bytes
    empty_pages: int = attrs.field(default=0, validator=checked(whole, 0, _MOST_EMPTY_PAGES))
    end_of_list: EndOfList = attrs.field(default="absent", validator=checked(choice, get_args(EndOfList)))

    def _seal(self, query: object, position: bytes) -> bytes:
        return hmac.digest(self.secret, position + repr(query).encode(), hashlib.sha256)[:_SEAL_BYTES]

    def _issue(self, query: object, position: Position) -> str:
        packed = _POSITION.pack(position.items, position.empty_pages)
        # Amazon's command-line tool puts tokens into a query without encoding them.
        return base64.urlsafe_b64encode(self._seal(query, packed) + packed).decode()

    def locate(self, query: object, token: str | None) -> Position:
        """Where the page of a token starts.

        Args:
            query: All that the listing depends on, except for the page size.
            token: The token sent; None for the first page.

        Raises:
            TokenRefused: Not a token of this query.
        """
        if token is None:
            return FIRST
        if not _TOKEN.fullmatch(token):
            raise TokenRefused("the token is not one that was issued")
        raw = base64.urlsafe_b64decode(token)
        seal, packed = raw[:_SEAL_BYTES], raw[_SEAL_BYTES:]
        if not hmac.compare_digest(seal, self._seal(query, packed)):
            raise TokenRefused("the token is not one that was issued for this query")
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
        """The page of a list at a position.

        Args:
            query: What the token will be good for.
            position: Where the page starts.
            items: The whole list.
            size: How many items a page has.
            mark: A number above 0 that an item keeps for good and that grows along the list. With it, items that come
                or go between two pages shift none of the others; without it, the list does not change.
        """
        if position.items == 0 and position.empty_pages < self.empty_pages:
            return Slice((), self._issue(query, Position(0, position.empty_pages + 1)))
        start = position.items if mark is None else bisect_left(items, position.items, key=mark)
        end = start + size
        if end >= len(items):
            return Slice(items[start:], None)
        following = end if mark is None else mark(items[end])
        return Slice(items[start:end], self._issue(query, Position(following, position.empty_pages)))
