"""Pagers as users await and iterate them. mypy and pyright check the types; nothing here runs."""

from __future__ import annotations

from typing import assert_type

from alexa_props import SmartProperties
from alexa_props.errors import AlexaError
from alexa_props.paging import Page, Pager
from alexa_props.smart_properties.units import Unit


async def awaited(asp: SmartProperties) -> None:
    pager = asp.units.list("unit")
    assert_type(pager, Pager[Unit])
    page = await pager
    assert_type(page, Page[Unit])
    assert_type(page.items, tuple[Unit, ...])
    assert_type(page.next_token, str | None)
    assert_type(page.total_count, int | None)
    assert_type(page.request_id, str | None)
    assert_type(len(page), int)
    assert_type([unit.id for unit in page], list[str])


async def iterated(asp: SmartProperties) -> None:
    async for unit in asp.units.list("unit"):
        assert_type(unit, Unit)
    assert_type([unit.id async for unit in asp.units.list("unit")], list[str])


async def by_page(asp: SmartProperties) -> None:
    async for page in asp.units.list("unit").pages():
        assert_type(page, Page[Unit])


async def prefetched(asp: SmartProperties) -> None:
    async with asp.units.list("unit").prefetch() as items:
        async for unit in items:
            assert_type(unit, Unit)
    asp.units.list("unit").prefetch(pages=2)


async def resumed(asp: SmartProperties, error: AlexaError) -> None:
    pager = asp.units.list("unit")
    assert_type(pager.resume((await pager).next_token), Pager[Unit])
    assert_type(pager.resume(error.resume_token), Pager[Unit])
