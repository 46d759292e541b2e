"""Lists that come in pages: lazy, re-iterable, resumable, and bounded."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import anyio
import attrs
import httpx
import pytest

from alexa_props import errors
from alexa_props.paging import Page, Pager
from alexa_props.smart_properties.endpoints import Endpoint, UnitRef
from alexa_props.smart_properties.units import Unit
from tests.helpers import Service, answer, cancellation, smart_properties, virtual_time


@pytest.fixture
def anyio_backend() -> object:
    return virtual_time()


class Lists(Service):
    """A service with one list of units: each page a list of ids, its token the number of the next page."""

    def __init__(self, *pages: list[str], latency: float = 0.0) -> None:
        super().__init__(self._page, latency=latency)
        self.pages = pages
        self.faults: dict[int, Any] = {}

    @property
    def asked(self) -> list[str | None]:
        return [seen.url.params.get("nextToken") for seen in self.seen]

    def _page(self, request: httpx.Request) -> Any:
        number = int(request.url.params.get("nextToken", "0"))
        if number in self.faults:
            return self.faults[number]
        context = {} if number == len(self.pages) - 1 else {"nextToken": str(number + 1)}
        return answer(
            json={"results": [{"id": unit} for unit in self.pages[number]], "paginationContext": context},
            x_amzn_RequestId=f"request-{number}",
        )


THREE = (["a", "b"], ["c"], ["d", "e"])


def units(service: httpx.AsyncBaseTransport) -> Pager[Unit]:
    return smart_properties(service).units.list("org")


async def ids(items: AsyncIterator[Unit] | Pager[Unit]) -> list[str]:
    return [unit.id async for unit in items]


async def test_awaiting_a_pager_returns_the_first_page() -> None:
    service = Lists(*THREE)
    page = await units(service)
    assert [unit.id for unit in page] == ["a", "b"]
    assert (len(page), page.next_token, page.total_count, page.request_id) == (2, "1", None, "request-0")
    assert page.items == (Unit("a"), Unit("b"))
    assert service.asked == [None]


async def test_every_iteration_of_a_pager_yields_all_items() -> None:
    service = Lists(*THREE)
    pager = units(service)
    assert service.seen == []
    for _ in range(2):
        assert await ids(pager) == ["a", "b", "c", "d", "e"]
    assert service.asked == [None, "1", "2"] * 2
    # Awaiting it in between disturbs nothing.
    assert len(await pager) == 2


async def test_two_iterations_are_independent() -> None:
    pager = units(Lists(*THREE))
    pairs = {first.id + second.id async for first in pager async for second in pager}
    assert len(pairs) == 25


async def test_a_page_is_fetched_when_it_is_needed() -> None:
    service = Lists(*THREE)
    async with aclosing(aiter(units(service))) as items:
        assert (await anext(items)).id == "a"
        assert (await anext(items)).id == "b"
        assert service.asked == [None]
        assert (await anext(items)).id == "c"
        assert service.asked == [None, "1"]


async def test_iterating_by_page() -> None:
    pages = [page async for page in units(Lists(*THREE)).pages()]
    assert [[unit.id for unit in page] for page in pages] == [*THREE]
    assert [page.next_token for page in pages] == ["1", "2", None]


async def test_resuming() -> None:
    service = Lists(*THREE)
    pager = units(service)
    page = await pager
    assert await ids(pager.resume(page.next_token)) == ["c", "d", "e"]
    assert await ids(pager.resume("2")) == ["d", "e"]
    assert await ids(pager.resume("2").resume(None)) == ["a", "b", "c", "d", "e"]
    assert [unit.id for unit in await pager.resume("1")] == ["c"]


def test_rejects_what_is_no_token() -> None:
    tokens: list[Any] = ["", 7, b"1"]
    for token in tokens:
        with pytest.raises(errors.ConfigurationError, match="token must be a non-empty string"):
            units(Service()).resume(token)


def test_its_repr_says_what_to_do() -> None:
    pager = units(Service())
    assert repr(pager) == "<Pager of units.list: await it for the first page, iterate it for all items>"
    assert "from a token" in repr(pager.resume("secret"))
    assert "secret" not in repr(pager.resume("secret"))


# For people, and as rows.


async def test_the_repr_of_a_page_names_its_first_items() -> None:
    names = [Unit(f"u{number}", name=f"Room {number}") for number in range(101, 151)]
    page = Page(tuple(names), "token", 1234)
    assert repr(page) == "<Page of 50 of 1,234: Room 101, Room 102, Room 103, …; next page follows>"
    assert repr(Page(tuple(names[:2]))) == "<Page of 2: Room 101, Room 102>"
    assert repr(Page(())) == "<Page of 0>"
    odd = Page(({"a": "x" * 500}, "\x1b[2J\n", None, 7))
    assert repr(odd) == f"<Page of 4: {str(odd.items[0])[:80]}…,  [2J , None, …>"
    assert "token" not in repr(page)
    assert repr(await units(Lists(*THREE))) == "<Page of 2: a, b; next page follows>"


def test_a_page_in_a_notebook() -> None:
    many = Page(tuple(Unit(f"u{number}", name=f"<Room {number}>") for number in range(12)), "token", 40)
    shown = many._repr_html_()
    assert shown.count("<tr>") == 11
    assert "Page of 12 of 40" in shown
    assert shown.endswith("<p>2 more items; next page follows</p>")
    assert "&lt;Room 9&gt;" in shown
    assert ">u9</td></tr>" in shown
    assert "u10" not in shown
    assert "Page of 0" in Page(())._repr_html_()
    # As many columns as fit, and the whole id.
    echo = Endpoint("e1", "Echo", "text", "Amazon", "Dot", "G0", "1.2", associated_units=(UnitRef("u1"),))
    wide = Page((echo,))._repr_html_()
    assert re.findall(r">(\w+)</td>", wide) == ["Echo", "text", "Amazon", "Dot", "G0", "e1"]
    assert "2 more columns in to_dataframe()" in wide
    # Fewer columns beside a long id, and it is below the row if it leaves room for less than three.
    for length, columns in ((70, 4), (110, 3)):
        page = Page((attrs.evolve(echo, id="x" * length),))._repr_html_()
        assert page.count("<th ") == columns
        assert f">{'x' * length}</td></tr>" in page
        assert ("colspan" in page) == (length == 110)


async def test_rows_and_dataframes(tmp_path: Path) -> None:
    service = Lists(*THREE)
    pager = units(service)
    page = await pager
    assert [row["id"] for row in page.to_rows()] == ["a", "b"]
    assert [json.loads(line)["id"] for line in page.to_jsonl().splitlines()] == ["a", "b"]
    assert page.to_csv(tmp_path / "page.csv") is None
    assert (tmp_path / "page.csv").read_text(encoding="utf-8-sig").splitlines()[0] == ",".join(page.to_rows()[0])
    assert page.to_dataframe()["id"].tolist() == ["a", "b"]
    assert [row["id"] for row in await pager.to_rows()] == ["a", "b", "c", "d", "e"]
    frame = await pager.to_dataframe()
    assert frame["id"].tolist() == ["a", "b", "c", "d", "e"]
    assert (await pager.resume("2").to_dataframe())["id"].tolist() == ["d", "e"]
    # What is empty has the same columns of the same types.
    nothing = units(Lists([]))
    for empty in (await nothing.to_dataframe(), (await nothing).to_dataframe()):
        assert (empty.dtypes == frame.dtypes).all()
    assert (await nothing).to_csv().strip() == page.to_csv().splitlines()[0]


async def test_an_error_of_a_later_page_ends_the_rows() -> None:
    service = Lists(*THREE)
    service.faults[1] = 403
    for method in ("to_rows", "to_dataframe"):
        with pytest.raises(errors.Forbidden) as caught:
            await getattr(units(service), method)()
        assert caught.value.resume_token == "1"


@pytest.mark.parametrize("fault", [403, 503, httpx.ReadTimeout, httpx.Response(200, text="<html>")])
async def test_an_error_says_where_to_resume(fault: Any) -> None:
    service = Lists(*THREE)
    pager = units(service)
    service.faults[1] = fault
    seen = []
    with pytest.raises(errors.AlexaError) as caught:  # noqa: PT012 - what came before the error counts
        async for unit in pager:
            seen.append(unit.id)  # noqa: PERF401 - as above
    assert (seen, caught.value.resume_token) == (["a", "b"], "1")
    service.faults.clear()
    assert await ids(pager.resume(caught.value.resume_token)) == ["c", "d", "e"]


async def test_an_error_of_the_first_page_has_no_token_and_can_be_resumed() -> None:
    service = Lists(*THREE)
    service.faults[0] = 403
    with pytest.raises(errors.Forbidden) as caught:
        await units(service)
    assert caught.value.resume_token is None
    service.faults.clear()
    assert len(await ids(units(service).resume(caught.value.resume_token))) == 5


async def test_empty_pages_are_skipped_in_a_loop() -> None:
    """azure-core's recursion ends after 492 of them."""
    service = Lists(*[[]] * 2000, ["at last"])
    assert await ids(units(service)) == ["at last"]
    assert len(service.seen) == 2001


@pytest.mark.parametrize(("lead", "length"), [(0, 1), (0, 7), (3, 2)])
async def test_a_cycle_of_tokens_is_found(length: int, lead: int) -> None:
    """botocore sees a cycle only when two tokens in a row are equal."""

    def serve(request: httpx.Request) -> httpx.Response:
        number = int(request.url.params.get("nextToken", "0"))
        following = number + 1 if number < lead + length else lead + 1
        return answer(json={"results": [{"id": str(number)}], "paginationContext": {"nextToken": str(following)}})

    service = Service(serve)
    with pytest.raises(errors.DecodeError, match=r"units\.list: .*second time.*never end") as caught:
        await ids(units(service))
    assert len(service.seen) == lead + length + 1
    assert caught.value.resume_token == str(lead + 1)


async def test_a_cycle_back_to_where_it_was_resumed_is_found() -> None:
    service = Service(answer(json={"results": [], "paginationContext": {"nextToken": "5"}}))
    with pytest.raises(errors.DecodeError):
        await ids(units(service).resume("5"))
    assert len(service.seen) == 1


# Prefetch


async def test_prefetch_yields_the_same_in_the_same_order() -> None:
    pager = units(Lists(*THREE, latency=1))
    for pages in (1, 2, 5):
        async with pager.prefetch(pages) as items:
            assert await ids(items) == ["a", "b", "c", "d", "e"]


async def test_prefetch_fetches_while_items_are_consumed() -> None:
    service = Lists(*[[str(number)] for number in range(10)], latency=1)
    begun = anyio.current_time()
    async with units(service).prefetch() as items:
        async for _ in items:
            await anyio.sleep(1)
    # One after the other it would be 20 s.
    assert anyio.current_time() - begun == pytest.approx(11, abs=0.1)


@pytest.mark.parametrize("pages", [1, 2, 5])
async def test_prefetch_is_bounded(pages: int) -> None:
    service = Lists(*[[str(number)] for number in range(20)])
    async with units(service).prefetch(pages) as items:
        await anyio.sleep(1)
        assert len(service.seen) == pages
        for consumed in range(1, 5):
            await anext(items)
            await anyio.sleep(1)
            assert len(service.seen) == consumed + pages


async def test_prefetch_rejects_what_is_no_number_of_pages() -> None:
    numbers: list[Any] = [0, -1, 1.5, True, "1", None]
    for pages in numbers:
        with pytest.raises(errors.ConfigurationError, match="pages must be a whole number of at least 1"):
            async with units(Lists(*THREE)).prefetch(pages):
                pass


async def test_prefetch_raises_an_error_where_its_page_would_be() -> None:
    service = Lists(*THREE)
    service.faults[2] = 403
    seen = []
    with pytest.raises(errors.Forbidden) as caught:  # noqa: PT012 - what came before the error counts
        async with units(service).prefetch(5) as items:
            async for unit in items:
                await anyio.sleep(1)  # the page fails meanwhile
                seen.append(unit.id)
    assert (seen, caught.value.resume_token) == (["a", "b", "c"], "2")


async def test_prefetch_does_not_hide_a_fault_of_another_kind() -> None:
    service = Lists(*THREE)
    service.faults[1] = ZeroDivisionError
    with pytest.raises(ZeroDivisionError):
        async with units(service).prefetch() as items:
            await ids(items)


@pytest.mark.parametrize("anyio_backend", ["asyncio", virtual_time()], ids=["asyncio", "trio"])
@pytest.mark.parametrize("kind", [None, StopAsyncIteration, GeneratorExit, anyio.EndOfStream, ZeroDivisionError])
async def test_prefetch_raises_whatever_foreign_code_does_where_its_page_would_be(kind: Any) -> None:
    service = Lists(*THREE)
    service.faults[2] = error = await cancellation() if kind is None else kind()
    seen: list[str] = []
    with pytest.raises(Exception) as caught:  # noqa: PT012 - of any kind; what came before it counts
        async with units(service).prefetch(5) as items:
            async for unit in items:
                await anyio.wait_all_tasks_blocked()  # the page fails meanwhile
                seen.append(unit.id)
    assert seen == ["a", "b", "c"]
    chain: BaseException | None = caught.value
    while chain is not None and chain is not error:
        chain = chain.__cause__
    assert chain is error


async def test_leaving_early_leaves_no_request() -> None:
    service = Lists(*THREE, latency=10)
    async with units(service).prefetch() as items:
        async for _ in items:
            await anyio.sleep(5)
            break
        assert service.active == 1
    assert service.active == 0
    assert await anext(items, None) is None


async def test_prefetch_that_is_never_consumed_leaves_no_request() -> None:
    service = Lists(*THREE, latency=10)
    async with units(service).prefetch():
        await anyio.sleep(1)
    assert service.active == 0


class Own(Exception):
    """An exception of the block."""


async def test_an_exception_of_the_block_is_raised_unchanged() -> None:
    service = Lists(*THREE, latency=10)
    cause, context = ValueError("cause"), KeyError("context")
    with pytest.raises(Own) as caught:  # noqa: PT012 - the block is what is tested
        async with units(service).prefetch() as items:
            await anext(items)
            await anyio.sleep(1)
            try:
                raise context
            except KeyError:
                raise Own from cause
    assert caught.value.__cause__ is cause
    assert caught.value.__context__ is context
    assert service.active == 0


async def test_a_group_of_the_block_is_raised_unchanged() -> None:
    with pytest.raises(ExceptionGroup, match="own") as caught:
        async with units(Lists(*THREE)).prefetch():
            raise ExceptionGroup("own", [Own(), Own()])
    assert len(caught.value.exceptions) == 2


async def test_exceptions_of_the_block_and_of_the_fetching_are_both_raised() -> None:
    class Breaks(Lists):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            try:
                return await super().handle_async_request(request)
            finally:
                raise ZeroDivisionError

    with pytest.raises(ExceptionGroup) as caught:  # noqa: PT012 - the block is what is tested
        async with units(Breaks(*THREE, latency=10)).prefetch():
            await anyio.sleep(1)
            raise Own
    assert {type(error) for error in caught.value.exceptions} == {Own, ZeroDivisionError}


async def test_cancelling_the_block_leaves_no_request() -> None:
    service = Lists(*THREE, latency=10)
    with anyio.move_on_after(5) as scope:
        async with units(service).prefetch() as items:
            await anext(items)
    assert scope.cancelled_caught
    assert service.active == 0


async def test_prefetch_in_an_async_generator_that_is_closed() -> None:
    service = Lists(*THREE, latency=10)

    async def outer() -> AsyncIterator[str]:
        async with units(service).prefetch() as items:
            async for unit in items:
                yield unit.id

    async with aclosing(outer()) as names:  # type: ignore[type-var]
        assert await anext(names) == "a"
    assert service.active == 0


class TestOnAsyncio:
    @pytest.fixture
    def anyio_backend(self) -> str:
        return "asyncio"

    async def test_create_task_refuses_a_pager(self) -> None:
        with pytest.raises(TypeError, match="coroutine was expected"):
            await asyncio.create_task(units(Lists(*THREE)))  # type: ignore[arg-type]

    async def test_gather_and_wait_for_take_one(self) -> None:
        pager = units(Lists(*THREE))
        first, second = await asyncio.gather(pager, asyncio.wait_for(pager, 5))
        assert isinstance(first, Page)
        assert first == second

    @pytest.mark.parametrize("leave", [lambda: None, lambda: (_ for _ in ()).throw(Own())])
    async def test_prefetch_leaves_no_task(self, leave: Callable[[], object]) -> None:
        before = asyncio.all_tasks()
        service = Lists(*THREE, latency=0.01)
        try:
            async with units(service).prefetch() as items:
                async for _ in items:
                    leave()
                    break
        except Own:
            pass
        assert asyncio.all_tasks() == before

    async def test_a_cancelled_task_leaves_no_task(self) -> None:
        service = Lists(*THREE, latency=10)

        async def consume() -> None:
            async with units(service).prefetch() as items:
                await ids(items)

        before = asyncio.all_tasks()
        task = asyncio.create_task(consume())
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asyncio.all_tasks() == before
        assert service.active == 0


async def test_after_the_client_is_closed_a_pager_says_so() -> None:
    client = smart_properties(Lists(*THREE))
    pager = client.units.list("org")
    await client.aclose()
    with pytest.raises(errors.ConfigurationError, match="closed"):
        await pager


# Pages larger than documented


async def test_a_page_that_is_refused_as_too_large_is_requested_with_the_documented_size() -> None:
    page = {"results": [{"id": "u"}], "paginationContext": {"nextToken": "t"}}
    service = Service(400, answer(200, page), answer(200, {"results": []}))
    units = smart_properties(service).units.list("unit", page_size=50)
    assert [unit.id async for unit in units] == ["u"]
    assert [seen.url.params.get("maxResults") for seen in service.seen] == ["50", "10", "10"]
    assert [seen.url.params.get("nextToken") for seen in service.seen] == [None, None, "t"]


async def test_a_client_remembers_that_a_list_refused_larger_pages() -> None:
    service = Service(400, answer(200, {"results": []}))
    asp = smart_properties(service)
    for client in (asp, asp.with_options(max_wait=1), asp):
        await client.units.list("unit", page_size=50)
    await asp.units.list("unit", page_size=5)
    await asp.address_books.list(page_size=100)
    assert [seen.url.params.get("maxResults") for seen in service.seen] == ["50", "10", "10", "10", "5", "100"]


async def test_a_page_that_fails_for_another_reason_leaves_the_size_of_others() -> None:
    service = Service(400, 400, answer(200, {"results": []}))
    asp = smart_properties(service)
    with pytest.raises(errors.BadRequest):
        await asp.units.list("unit", page_size=50)
    await asp.units.list("unit", page_size=50)
    assert [seen.url.params.get("maxResults") for seen in service.seen] == ["50", "10", "50"]


async def test_a_page_that_is_refused_for_another_reason_is_an_error() -> None:
    for page_size, requests in ((None, 1), (10, 1), (11, 2)):
        service = Service(400)
        with pytest.raises(errors.BadRequest):
            await smart_properties(service).units.list("unit", page_size=page_size)
        assert len(service.seen) == requests
