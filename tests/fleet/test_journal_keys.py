"""Keys of items and names of jobs in a journal."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest

from alexa_props import errors, fleet
from alexa_props.fleet import FleetStopped
from tests.fleet.helpers import AnyJournal, get, outcomes, rows, run_job, statuses
from tests.helpers import Service, smart_properties

KEYS = [
    "a b/c?d#e%",
    "é\u0301𝄞中",
    "nul\0l",
    "nul\0",
    "nul",
    "k" * 100_000,
    "k" * 99_999,
    "'; DROP TABLE items; --",
    " ",
    "A",
    "a",
    "1",
    "01",
]


async def test_any_text_is_a_distinct_key(any_journal: AnyJournal) -> None:
    async def call(item: Any) -> Any:
        return item

    assert sorted(o.key for o in await outcomes(call, KEYS, journal=any_journal, job="a job")) == sorted(KEYS)
    report = await fleet.collect(call, [*KEYS, "new", "kk"], journal=any_journal, job="a job")
    assert (statuses(report), report.skipped) == ({"new": "done", "kk": "done"}, len(KEYS))
    class_of_text = type("Room", (str,), {})
    report = await fleet.collect(call, [class_of_text("nul"), class_of_text("room")], journal=any_journal, job="a job")
    assert (statuses(report), report.skipped) == ({"room": "done"}, 1)


INVALID_KEYS: list[tuple[list[Any], Any, str]] = [
    ([7], None, "a journal identifies items by strings, and 7 is not one: pass key="),
    (["\ud800"], None, "an item must be a string: .* holds half a surrogate pair"),
    ([7], lambda _: "\udfff", "key must be a string: .* holds half a surrogate pair"),
    ([7], lambda _: 8, "key must return a string that is not empty for every item, not 8"),
    ([7], lambda _: "", "key must return a string that is not empty for every item, not ''"),
    ([7], lambda item: item.id, "'int' object has no attribute 'id'"),
]


async def test_item_without_a_valid_key_ends_the_run(tmp_path: Path) -> None:
    for number, (items, key, text) in enumerate(INVALID_KEYS):
        service = Service()
        call = get(smart_properties(service))
        journal = tmp_path / str(number)
        with pytest.raises((errors.ConfigurationError, AttributeError), match=text):
            await outcomes(call, items, journal=journal, key=key)
        assert (service.seen, rows(journal)) == ([], {})
        # The journal is released, and begun items are reported.
        either = key and functools.partial(lambda key, item: "a" if item == "a" else key(item), key)
        with pytest.raises(FleetStopped, match=text) as caught:
            await fleet.collect(call, ["a", *items], journal=journal, key=either)
        assert statuses(caught.value.report) == {"a": "done"}


async def test_key_function_identifies_items(any_journal: AnyJournal) -> None:
    async def call(item: dict[str, int]) -> int:
        return item["id"]

    key = functools.partial("room {id}".format_map)
    found = await outcomes(call, [{"id": 1}, {"id": 2}], journal=any_journal, job="a job", key=key)
    assert {outcome.key: outcome.value for outcome in found} == {"room 1": 1, "room 2": 2}
    assert set(rows(any_journal)) == {"room 1", "room 2"}


async def test_refuses_the_journal_of_another_job(any_journal: AnyJournal) -> None:
    await run_job(any_journal, get, None, items=["a"])
    service = Service()
    with pytest.raises(
        errors.ConfigurationError, match=r"belongs to the job 'a job', and this is .*use another (file|name)"
    ):
        await outcomes(get(smart_properties(service)), ["a", "b"], journal=any_journal)
    assert (service.seen, rows(any_journal)) == ([], {"a": ("done", 0)})
