"""The report of a run that was interrupted: what was done until then, from the exception that ended it."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import anyio
import pytest

from alexa_props import fleet
from alexa_props.fleet import FleetReport, FleetStopped
from tests.fleet.helpers import MADE, create, echo
from tests.helpers import Service, smart_properties, virtual_time

ITEMS = [str(number) for number in range(20)]


def call_on(service: Service) -> Callable[[str], Awaitable[Any]]:
    """Return a call that is done with three items, and waits for the response to the fourth one."""
    made = create(smart_properties(service))

    async def call(item: str) -> Any:
        service.latency = 1000.0 if item == "3" else 0.0
        return await made(item)

    return call


def check(report: FleetReport[Any, Any] | None) -> None:
    assert report is not None
    assert {outcome.key: outcome.status for outcome in report} == dict.fromkeys("012", "done") | {"3": "unknown"}
    assert isinstance(report.unknown[0].error, fleet.Interrupted)
    assert report.stopped == "the run was interrupted"
    assert str(report).endswith("stopped: the run was interrupted")
    assert report.to_rows()[3]["status"] == "unknown"


def collect(many: bool = False) -> Awaitable[FleetReport[Any, Any]]:
    call = call_on(Service(MADE, MADE, MADE, MADE))
    if not many:
        return fleet.collect(call, ITEMS, concurrency=1)

    async def each(batch: Sequence[str]) -> None:
        for item in batch:
            await call(item)

    return fleet.collect_many(each, ITEMS, size=1, concurrency=1)


class TestOnAnyBackend:
    @pytest.fixture
    def anyio_backend(self) -> Any:
        return virtual_time()

    @pytest.mark.parametrize("many", [False, True])
    async def test_a_cancelled_scope(self, many: bool) -> None:
        found = carried = None
        with anyio.move_on_after(5) as scope:
            try:
                await collect(many)
            except anyio.get_cancelled_exc_class() as error:
                found, carried = fleet.report_of(error), error.report  # type: ignore[attr-defined]
                raise
        assert scope.cancelled_caught
        assert found is carried
        check(found)


async def test_before_the_first_outcome() -> None:
    task = asyncio.create_task(fleet.collect(lambda _: asyncio.sleep(1000), ITEMS, journal=None))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    report = fleet.report_of(caught.value)
    assert report is not None
    # Their requests are those of another library, as far as is known.
    assert {outcome.status for outcome in report} == {"unknown"}


async def test_a_timeout_of_asyncio() -> None:
    with pytest.raises(TimeoutError) as caught:
        async with asyncio.timeout(0.3):
            await collect()
    check(fleet.report_of(caught.value))
    assert "4 items: 3 done" in "".join(caught.value.__cause__.__notes__)  # type: ignore[union-attr]


def test_ctrl_c_in_a_script() -> None:
    async def main() -> None:
        asyncio.get_running_loop().call_later(0.3, signal.raise_signal, signal.SIGINT)
        await collect()

    with pytest.raises(KeyboardInterrupt) as caught:
        asyncio.run(main())
    check(fleet.report_of(caught.value))


def test_the_exception_that_an_interactive_session_showed_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(sys, "last_value", raising=False)
    assert fleet.report_of() is None
    error = asyncio.CancelledError()
    error.report = fleet.FleetReport(outcomes=())  # type: ignore[attr-defined]
    monkeypatch.setattr(sys, "last_value", error, raising=False)
    assert fleet.report_of() is error.report  # type: ignore[attr-defined]


async def test_exceptions_with_and_without_a_report() -> None:
    def items() -> Any:
        yield "a"
        raise ValueError("no more")

    with pytest.raises(FleetStopped) as caught:
        await fleet.collect(echo, items())
    for error in (caught.value, BaseExceptionGroup("several", [KeyError(), BaseExceptionGroup("", [caught.value])])):
        assert fleet.report_of(error) is caught.value.report
    circle = KeyError()
    circle.__context__ = ValueError()
    circle.__context__.__cause__ = circle
    assert fleet.report_of(circle) is None


CELL = """
async def call(item):
    await anyio.sleep(0.05)
    if item == "5":
        print("five", flush=True)

await fleet.collect(call, map(str, range(100_000)), concurrency=2)
"""


@pytest.mark.apart
def test_an_interrupted_cell_of_a_notebook() -> None:
    from jupyter_client.manager import start_new_kernel

    with contextlib.ExitStack() as stack:
        manager, client = start_new_kernel(kernel_name="python3")
        stack.callback(functools.partial(manager.shutdown_kernel, now=True))
        stack.callback(client.stop_channels)

        def run(code: str, interrupt: str | None = None) -> str:
            sent, shown = client.execute(code), ""
            while True:
                message = client.get_iopub_msg(timeout=60)
                content = message["content"]
                if message["parent_header"].get("msg_id") != sent:
                    continue
                shown += str(content.get("text", "")) + "\n".join(content.get("traceback", ()))
                shown += str(content.get("data", {}).get("text/plain", ""))
                if interrupt is not None and interrupt in shown:
                    manager.interrupt_kernel()
                    interrupt = None
                if content.get("execution_state") == "idle":
                    return shown

        run("import anyio\nfrom alexa_props import fleet")
        shown = run(CELL, "five")
        assert "CancelledError" in shown
        assert "fleet.report_of()" in shown
        assert "stopped: the run was interrupted" in run("fleet.report_of()")
        assert "True" in run("fleet.report_of().counts['done'] >= 5")
