"""Waiting for a journal that another run holds."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from alexa_props import errors, fleet
from tests.fleet.helpers import ROOMS, AnyJournal, get, never, run_job, statuses
from tests.helpers import Service, smart_properties
from tests.loops import EVERY


@pytest.fixture(params=[*EVERY, "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    return request.param


async def test_waits_until_the_other_run_ends(any_journal: AnyJournal) -> None:
    others: list[dict[str, str]] = []

    async def other() -> None:
        report, _ = await run_job(any_journal, get, None, wait_for_journal=60)
        others.append(statuses(report))

    call = get(smart_properties(Service()))
    async with (
        anyio.create_task_group() as tasks,
        fleet.run(call, ROOMS[:2], journal=any_journal, job="a job") as run,
    ):
        tasks.start_soon(other)
        # Longer than its first pauses.
        await anyio.sleep(0.3)
        assert len([outcome async for outcome in run]) == 2
        assert others == []
    assert others == [dict.fromkeys(ROOMS[2:], "done")]


async def test_reports_how_long_it_waited(any_journal: AnyJournal) -> None:
    async with fleet.run(never, ["a"], journal=any_journal, job="a job"):
        for seconds, text in ((0.3, r" after 0\.[3-9] s: wait until that run ends"), (0, ": wait until that run ends")):
            with pytest.raises(
                errors.ConfigurationError, match=f"is held by another run{text}, or use another journal"
            ):
                await run_job(any_journal, get, None, wait_for_journal=seconds)


async def test_cancelling_a_wait_leaves_the_journal_to_its_holder(any_journal: AnyJournal) -> None:
    async with fleet.run(get(smart_properties(Service())), ["a"], journal=any_journal, job="a job") as run:
        with anyio.move_on_after(0.3) as scope:
            await run_job(any_journal, get, None, wait_for_journal=3600)
        assert scope.cancelled_caught
        with pytest.raises(errors.ConfigurationError, match="is held by another run"):
            await run_job(any_journal, get, None)
        assert len([outcome async for outcome in run]) == 1
    report, sent = await run_job(any_journal, get, None, items=["a", "b"])
    assert (report.skipped, sent) == (1, ["b"])
