"""However a list is split into pages and wherever it is interrupted, every item comes once and in order."""

from __future__ import annotations

import functools
import operator

import httpx
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from alexa_props import RetryPolicy, errors
from alexa_props.paging import Pager
from alexa_props.smart_properties.units import Unit
from tests.helpers import Service, answer, smart_properties

PAGES = st.lists(st.lists(st.text(min_size=1, max_size=3), max_size=4), min_size=1, max_size=8)


def pager_of(pages: list[list[str]], faults: set[int] = frozenset()) -> tuple[Pager[Unit], Service]:  # type: ignore[assignment]
    """A pager over these pages. The requests with the numbers in `faults` fail."""

    def serve(request: httpx.Request) -> httpx.Response:
        if len(service.seen) - 1 in faults:
            return answer(503)
        number = int(request.url.params.get("nextToken", "token-0").removeprefix("token-"))
        context = {"nextToken": f"token-{number + 1}"} if number + 1 < len(pages) else {}
        return answer(json={"results": [{"id": unit} for unit in pages[number]], "paginationContext": context})

    service = Service(serve)
    client = smart_properties(service, retry=RetryPolicy(max_attempts=1))
    return client.units.list("org"), service


@given(PAGES)
@settings(max_examples=40, derandomize=True, deadline=None)
def test_resuming_at_any_token_gives_the_rest_of_the_list(pages: list[list[str]]) -> None:
    async def main() -> None:
        pager, _ = pager_of(pages)
        number = 0
        async for page in pager.pages():
            number += 1
            if page.next_token is not None:
                rest = [unit.id async for unit in pager.resume(page.next_token)]
                assert rest == functools.reduce(operator.iadd, pages[number:], [])
        assert number == len(pages)

    trio.run(main)


@given(PAGES, st.sets(st.integers(0, 12), max_size=5), st.integers(0, 3))
@settings(derandomize=True, deadline=None)
def test_resuming_after_errors_gives_every_item_once(pages: list[list[str]], faults: set[int], ahead: int) -> None:
    async def main() -> None:
        pager, service = pager_of(pages, faults)
        seen: list[str] = []
        failed = 0
        while True:
            try:
                if ahead:
                    async with pager.prefetch(ahead) as items:
                        async for unit in items:
                            seen.append(unit.id)  # noqa: PERF401 - what came before an error counts
                else:
                    async for unit in pager:
                        seen.append(unit.id)  # noqa: PERF401 - what came before an error counts
                break
            except errors.ServerError as error:
                failed += 1
                pager = pager.resume(error.resume_token)
        assert seen == functools.reduce(operator.iadd, pages, [])
        assert len(service.seen) == len(pages) + failed

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


@given(lead=st.integers(0, 20), length=st.integers(1, 20))
@settings(max_examples=40, derandomize=True, deadline=None)
def test_a_cycle_of_any_length_is_found_within_one_round(lead: int, length: int) -> None:
    def serve(request: httpx.Request) -> httpx.Response:
        number = int(request.url.params.get("nextToken", "0"))
        following = number + 1 if number < lead + length else lead + 1
        return answer(json={"results": [], "paginationContext": {"nextToken": str(following)}})

    async def main() -> None:
        service = Service(serve)
        try:
            async for _ in smart_properties(service).units.list("org"):
                pass
        except errors.DecodeError:
            assert len(service.seen) == lead + length + 1
        else:
            raise AssertionError("it ended")

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
