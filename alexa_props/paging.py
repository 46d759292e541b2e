"""Paged lists: awaited for the first page, iterated for all items."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, Generic, TextIO, TypeVar, overload

import anyio
import attrs

from alexa_props import export
from alexa_props.arguments import is_id_name, require_text
from alexa_props.concurrency import await_foreign, being_cancelled, flattening_task_group
from alexa_props.errors import AlexaError, ConfigurationError, DecodeError
from alexa_props.model_rows import columns_of, label_of, rows_of, to_dataframe, to_rows
from alexa_props.tables import Column, Table, fits_html, plain, to_html

if TYPE_CHECKING:
    # anyio loads its parts when they are first used.
    from anyio.abc import ObjectReceiveStream, ObjectSendStream

__all__ = ["Page", "Pager"]

T = TypeVar("T")

_NAMED: Final = 3
"""Items in the repr of a page."""
_TABLED: Final = 10
"""Items in the table of a page."""
_WIDEST: Final = 5
"""Columns in the table of a page, besides the id."""
_NARROWEST: Final = 3
"""Columns that are shown even if there is no room for the id beside them."""
_LONGEST_NAME: Final = 80
"""Characters of an item in the repr of a page."""


@attrs.frozen(repr=False)
class Page(Generic[T]):
    """One page of a list. Notebooks show its first items as a table."""

    items: tuple[T, ...]
    """Items of the page; may be empty although more pages follow."""
    next_token: str | None = None
    """Start of the next page; None on the last page."""
    total_count: int | None = None
    """Number of items in the whole list; None if the service does not report it."""
    request_id: str | None = None
    """Request id of the response."""
    _model: type[Any] | None = attrs.field(default=None, kw_only=True, eq=False)
    """Class of the items, if it is known: the columns of an empty page."""

    def __repr__(self) -> str:
        names = [_short(item) for item in self.items[:_NAMED]]
        shown = f": {', '.join(names)}{', …' if len(self) > _NAMED else ''}" if names else ""
        return f"<{self._title()}{shown}{'' if self.next_token is None else '; next page follows'}>"

    def _repr_html_(self) -> str:
        first = self.items[:_TABLED]
        rows = list(rows_of(first, columns_of(first, self._model)))
        cells = {
            name: ["" if row[name] is None else str(row[name]) for row in rows] for name in (rows[0] if rows else ())
        }
        filled = [Column(name, texts, is_id=is_id_name(name)) for name, texts in cells.items() if any(texts)]
        ids = [column for column in filled if column.is_id]
        own = [column for column in ids if column.title == "id"] or ids[:1]
        shown = [column for column in filled if not column.is_id][:_WIDEST]
        while len(shown) > _NARROWEST and not fits_html([*shown, *own]):
            shown.pop()
        more = [f"{len(self) - _TABLED:,} more items"] if len(self) > _TABLED else []
        left = len(filled) - len(shown) - len(own)
        more += [f"{left} more column{'' if left == 1 else 's'} in to_dataframe()"] if left else []
        more += ["next page follows"] if self.next_token is not None else []
        table = Table(self._title(), [*shown, *own], "; ".join(more))
        return to_html(table)

    def to_rows(self) -> list[dict[str, Any]]:
        """Return a dict per item; see `alexa_props.to_rows`."""
        return to_rows(self.items, model=self._model)

    def to_dataframe(self) -> Any:
        """Return the rows as a DataFrame; see `alexa_props.to_dataframe`.

        Raises:
            ConfigurationError: Neither pandas nor polars is installed.

        """
        return to_dataframe(self.items, model=self._model)

    @overload
    def to_jsonl(self, target: None = None) -> str: ...

    @overload
    def to_jsonl(self, target: str | os.PathLike[str] | TextIO) -> None: ...

    def to_jsonl(self, target: export.Target = None) -> str | None:
        """Return or write the rows as JSON, one per line, as `FleetReport.to_jsonl` does."""
        return export.write("to_jsonl", target, export.to_jsonl(self.to_rows()))

    @overload
    def to_csv(self, target: None = None) -> str: ...

    @overload
    def to_csv(self, target: str | os.PathLike[str] | TextIO) -> None: ...

    def to_csv(self, target: export.Target = None) -> str | None:
        """Return or write the rows as CSV, safe to open in a spreadsheet, as `FleetReport.to_csv` does."""
        text = export.to_csv(self.to_rows(), columns_of(self.items, self._model))
        return export.write("to_csv", target, [text], encoding="utf-8-sig")

    def _title(self) -> str:
        total = "" if self.total_count is None else f" of {self.total_count:,}"
        return f"Page of {len(self):,}{total}"

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)


class Pager(Generic[T]):
    """A list that has not been fetched yet. Nothing is sent before it is awaited or iterated.

    - `await pager` returns the first `Page`;
    - `async for item in pager` yields all items, with one page in memory at a time;
    - `async for page in pager.pages()` yields all pages;
    - `pager.resume(token)` returns a pager that starts at `page.next_token`, or at the `resume_token` of an error;
    - `async with pager.prefetch() as items` fetches the next page while this one is consumed;
    - `await pager.to_dataframe()` returns all items as a DataFrame.

    Every iteration starts again from the beginning. A pager is no coroutine: `asyncio.create_task` refuses it.
    """

    def __init__(
        self,
        fetch: Callable[[str | None], Awaitable[Page[T]]],
        name: str,
        token: str | None = None,
        *,
        model: type[Any] | None = None,
    ) -> None:
        self._fetch = fetch
        self._name = name
        self._token = token
        self._model = model

    def __repr__(self) -> str:
        start = "" if self._token is None else ", from a token"
        return f"<Pager of {self._name}{start}: await it for the first page, iterate it for all items>"

    def __await__(self) -> Generator[Any, Any, Page[T]]:
        return self._page(self._token).__await__()

    async def __aiter__(self) -> AsyncGenerator[T, None]:
        async with aclosing(self.pages()) as pages:
            async for page in pages:
                for item in page.items:
                    yield item

    async def pages(self) -> AsyncGenerator[Page[T], None]:
        """Yield all pages, in order."""
        token, seen = self._token, set[int]()
        while True:
            page = await self._page(token)
            yield page
            token = self._advance(page, seen)
            if token is None:
                return

    def resume(self, token: str | None) -> Pager[T]:
        """Return a new pager over the same list that starts at `token`; None starts at the beginning."""
        if token is not None and (not isinstance(token, str) or not token):
            raise ConfigurationError("token must be a non-empty string, from a page or from an error, or None")
        if token is not None:
            require_text("token", token)
        return Pager(self._fetch, self._name, token, model=self._model)

    @asynccontextmanager
    async def prefetch(self, pages: int = 1) -> AsyncGenerator[AsyncIterator[T], None]:
        """Iterate over all items, with up to `pages` pages fetched ahead of the one that is being consumed.

        An error of a page is raised after the items of the pages before it. If something that a page waits for is
        cancelled, and the block is not, that is an error too: `concurrent.futures.CancelledError`, with the
        cancellation as its cause.

        Args:
            pages: How many, at least 1.

        """
        if isinstance(pages, bool) or not isinstance(pages, int) or pages < 1:
            raise ConfigurationError(f"pages must be a whole number of at least 1, not {pages!r}")
        # The page that waits to be handed over counts as one ahead.
        send, receive = anyio.create_memory_object_stream[Page[T] | Exception](pages - 1)
        with send, receive:
            async with flattening_task_group() as tasks, aclosing(_consume(receive)) as items:
                tasks.start_soon(self._fetch_ahead, send)
                yield items

    async def _fetch_ahead(self, send: ObjectSendStream[Page[T] | Exception]) -> None:
        async with send:
            try:
                await await_foreign(f"fetching a page of {self._name}", self._send_pages(send))
            except Exception as error:  # transports, hooks and token stores may raise anything
                if being_cancelled() and not isinstance(error, AlexaError):
                    # The block has been left, so that only its task group can still raise it.
                    raise
                await send.send(error)

    async def _send_pages(self, send: ObjectSendStream[Page[T] | Exception]) -> None:
        async with aclosing(self.pages()) as pages:
            async for page in pages:
                await send.send(page)

    async def to_rows(self) -> list[dict[str, Any]]:
        """Fetch all pages and return a dict per item; see `alexa_props.to_rows`."""
        return to_rows([item async for item in self], model=self._model)

    async def to_dataframe(self) -> Any:
        """Fetch all pages and return the items as a DataFrame; see `alexa_props.to_dataframe`.

        Raises:
            ConfigurationError: Neither pandas nor polars is installed.

        """
        return to_dataframe([item async for item in self], model=self._model)

    async def _page(self, token: str | None) -> Page[T]:
        try:
            page = await self._fetch(token)
        except AlexaError as error:
            error.resume_token = token
            raise
        return page if self._model is None else attrs.evolve(page, model=self._model)

    def _advance(self, page: Page[T], seen: set[int]) -> str | None:
        token = page.next_token
        if token is None:
            return None
        # Hashes find a cycle of any length, at a few bytes per page.
        if hash(token) in seen or token == self._token:
            error = DecodeError(
                f"{self._name}: the service sent a next token a second time, so the list would never end "
                f"(request id {page.request_id})",
                operation=self._name,
                request_id=page.request_id,
            )
            error.resume_token = token
            raise error
        seen.add(hash(token))
        return token


async def _consume(receive: ObjectReceiveStream[Page[T] | Exception]) -> AsyncGenerator[T, None]:
    async for page in receive:
        if isinstance(page, Exception):
            raise page
        for item in page.items:
            yield item


def _short(item: object) -> str:
    """Return the name or the id of an item, or else its repr, for a line."""
    found = label_of(item)
    text = plain(repr(item) if found is None else found)
    return text if len(text) <= _LONGEST_NAME else f"{text[:_LONGEST_NAME]}…"
