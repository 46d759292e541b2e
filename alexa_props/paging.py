"""Paged lists: awaited for the first page, iterated for all items."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import anyio
import attrs

from alexa_props.arguments import require_text
from alexa_props.concurrency import await_foreign, being_cancelled, flattening_task_group
from alexa_props.errors import AlexaError, ConfigurationError, DecodeError

if TYPE_CHECKING:
    # anyio loads its parts when they are first used.
    from anyio.abc import ObjectReceiveStream, ObjectSendStream

__all__ = ["Page", "Pager"]

T = TypeVar("T")


@attrs.frozen
class Page(Generic[T]):
    """One page of a list."""

    items: tuple[T, ...]
    """Items of the page; may be empty although more pages follow."""
    next_token: str | None = None
    """Start of the next page; None on the last page."""
    total_count: int | None = None
    """Number of items in the whole list; None if the service does not report it."""
    request_id: str | None = None
    """Request id of the response."""

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
    - `async with pager.prefetch() as items` fetches the next page while this one is consumed.

    Every iteration starts again from the beginning. A pager is no coroutine: `asyncio.create_task` refuses it.
    """

    def __init__(self, fetch: Callable[[str | None], Awaitable[Page[T]]], name: str, token: str | None = None) -> None:
        self._fetch = fetch
        self._name = name
        self._token = token

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
        return Pager(self._fetch, self._name, token)

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

    async def _page(self, token: str | None) -> Page[T]:
        try:
            return await self._fetch(token)
        except AlexaError as error:
            error.resume_token = token
            raise

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
