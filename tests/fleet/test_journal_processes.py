"""A journal that another process holds, which is killed or stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

from alexa_props import errors
from tests.fleet.helpers import MADE, AnyJournal, create, rows, run_job, statuses

pytestmark = pytest.mark.apart

HOLDER = """
import os, sys
import anyio
from alexa_props import fleet
from tests.fleet.helpers import MADE, create
from tests.helpers import Service, smart_properties

async def serve(request):
    os.write(1, b"sent\\n")
    if len(service.seen) == 2:
        await anyio.to_thread.run_sync(sys.stdin.readline)
    return MADE

service = Service(serve)
options = {"journal": sys.argv[1], "job": "a job", "concurrency": 1}
anyio.run(lambda: fleet.collect(create(smart_properties(service)), ["a", "b", "c"], **options))
"""


@asynccontextmanager
async def holder(journal: AnyJournal) -> AsyncIterator[Process]:
    """Run the job in another process, which has created a, and waits for the response for b."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    command = [sys.executable, "-c", HOLDER, str(journal)]
    async with await anyio.open_process(command, stdin=subprocess.PIPE, stderr=None, env=environment) as process:
        assert process.stdout is not None
        stream = BufferedByteReceiveStream(process.stdout)
        with anyio.fail_after(60):
            for _ in range(2):
                assert await stream.receive_until(b"\n", 100) == b"sent"
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()


async def test_killed_run_releases_its_journal(any_journal: AnyJournal) -> None:
    async with holder(any_journal) as process:
        with pytest.raises(errors.ConfigurationError, match="is held by another run"):
            await run_job(any_journal, create, MADE)
        process.send_signal(signal.SIGKILL)
        report, sent = await run_job(any_journal, create, MADE, items=["a", "b", "c"], wait_for_journal=30)
    assert (statuses(report), report.skipped, sent) == ({"b": "unknown", "c": "done"}, 1, ["c"])
    assert rows(any_journal) == {"a": ("done", 1), "b": ("started", 1), "c": ("done", 1)}


async def test_stopped_run_keeps_its_journal(any_journal: AnyJournal) -> None:
    async with holder(any_journal) as process:
        process.send_signal(signal.SIGSTOP)
        with pytest.raises(errors.ConfigurationError, match=r"is held by another run after 1\.\d s"):
            await run_job(any_journal, create, MADE, wait_for_journal=1)
        process.send_signal(signal.SIGCONT)
        assert process.stdin is not None
        await process.stdin.send(b"\n")
        report, sent = await run_job(any_journal, create, MADE, items=["a", "b", "c"], wait_for_journal=30)
    assert (len(report), report.skipped, sent) == (0, 3, [])
