"""Progress: the figures, the callback, and the displays."""

from __future__ import annotations

import errno
import io
import itertools
import json
import logging
import os
import re
import subprocess
import sys
import threading
import types
import warnings
from collections.abc import Callable, Iterator
from contextvars import copy_context
from typing import Any

import anyio
import pytest

from alexa_props import fleet
from alexa_props.errors import ConfigurationError
from alexa_props.fleet.progress import Meter, Progress, count_listed
from alexa_props.simulator import Simulator
from tests.helpers import virtual_time


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        super().isatty()  # raises if it is closed
        return True


def work(meter: Meter, clock: Clock, *, seconds: float, per_second: float) -> None:
    """End items at a constant rate."""
    start = clock.now
    for number in range(1, round(seconds * per_second) + 1):
        clock.now = start + number / per_second
        meter.ended("done", 0, 5)


def fail(progress: bool | Callable[[Progress], None], error: BaseException) -> None:
    """Enter a meter of 100 items, and fail after the first."""
    with Meter(progress, 100, "station", clock=Clock()) as meter:
        meter.ended("failed", 0, 5)
        raise error


# The figures.


def test_counts_items() -> None:
    clock = Clock()
    with Meter(None, 20, "station", clock=clock) as meter:
        meter.ended("done", 0, 3)
        meter.ended("done", 2, 3)
        meter.ended("failed", 1, 2)
        meter.ended("unknown", 0, 1)
        meter.skipped(1)
        clock.now += 4
        assert meter.now(7) == Progress(
            total=20, done=2, failed=1, unknown=1, skipped=1, refused=3, in_flight=7, elapsed=4, rate=1.0, eta=15.0
        )
        assert meter.now(7).ended == 5


def test_rate_is_recent() -> None:
    clock = Clock()
    with Meter(None, 4_000, "station", clock=clock) as meter:
        work(meter, clock, seconds=30, per_second=100)
        assert meter.now(5).rate == pytest.approx(100, rel=0.02)
        work(meter, clock, seconds=21, per_second=10)
        state = meter.now(5)
        assert state.rate == pytest.approx(10, rel=0.02)
        assert state.eta == pytest.approx((4_000 - 3_000 - 210) / 10, rel=0.02)


def test_rate_of_slow_items() -> None:
    clock = Clock()
    with Meter(None, 100, "reset", clock=clock) as meter:
        work(meter, clock, seconds=300, per_second=1 / 30)
        assert meter.now(1).rate == pytest.approx(1 / 30)
        assert meter.now(1).eta == pytest.approx(90 * 30)


def test_no_eta_if_nothing_ends() -> None:
    clock = Clock()
    with Meter(None, 2_000, "station", clock=clock) as meter:
        work(meter, clock, seconds=10, per_second=100)
        clock.now += 10
        meter.now(5)
        clock.now += 10
        assert (meter.now(5).rate, meter.now(5).eta) == (0.0, None)


def test_no_eta_in_the_first_second() -> None:
    clock = Clock()
    with Meter(None, 1_000, "station", clock=clock) as meter:
        assert (meter.now(5).rate, meter.now(5).eta) == (0.0, None)
        work(meter, clock, seconds=0.5, per_second=10)
        assert meter.now(5).rate == pytest.approx(10)
        assert meter.now(5).eta is None
        work(meter, clock, seconds=0.5, per_second=10)
        assert meter.now(5).eta == pytest.approx(99)


def test_skipped_items_do_not_count_for_the_rate() -> None:
    clock = Clock()
    with Meter(None, 1_000, "station", clock=clock) as meter:
        for _ in range(800):
            meter.skipped(0)
        work(meter, clock, seconds=10, per_second=10)
        assert meter.now(5).rate == pytest.approx(10)
        assert meter.now(5).eta == pytest.approx(10)


@pytest.mark.parametrize(("total", "eta"), [(None, None), (0, 0.0), (3, 0.0), (5, 0.0), (6, 1.0)])
def test_eta_at_the_end(total: int | None, eta: float | None) -> None:
    clock = Clock()
    with Meter(None, total, "station", clock=clock) as meter:
        work(meter, clock, seconds=5, per_second=1)
        assert meter.now(0).eta == eta


def test_progress_is_frozen_after_the_end() -> None:
    clock = Clock()
    with Meter(None, 1_000, "station", clock=clock) as meter:
        work(meter, clock, seconds=20, per_second=10)
        work(meter, clock, seconds=20, per_second=20)
    clock.now += 100
    last = meter.now(3)
    assert (last.elapsed, last.in_flight) == (40, 0)
    # The rate of the whole run. The rest is not going to be done.
    assert last.rate == pytest.approx(15)
    assert last.eta is None

    with Meter(None, 1, "station", clock=clock) as meter:
        meter.ended("done", 0, 0)
    assert meter.now(0).eta == 0.0


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "1,234 of 4,000, 3 failed, 2 unknown, 29 skipped, 12 refused, 35.2/s, 0:01:19 left"),
        (
            {"done": 1234, "failed": 0, "unknown": 0, "skipped": 0, "refused": 0, "total": None, "eta": None},
            "1,234, 35.2/s, 1:02:03 elapsed",
        ),
        (
            {"done": 4000, "failed": 0, "unknown": 0, "skipped": 0, "refused": 0, "rate": 1234.5, "eta": 0.0},
            "4,000 of 4,000, 1,234/s, 1:02:03 elapsed",
        ),
        (
            {"failed": 0, "unknown": 0, "skipped": 0, "refused": 0, "rate": 0.033, "elapsed": 9.6, "eta": None},
            "1,200 of 4,000, 0.03/s, 0:00:10 elapsed",
        ),
    ],
)
def test_progress_as_text(changes: dict[str, Any], line: str) -> None:
    some: dict[str, Any] = {"total": 4000, "done": 1200, "failed": 3, "unknown": 2, "skipped": 29, "refused": 12}
    rest: dict[str, Any] = {"in_flight": 16, "elapsed": 3723.0, "rate": 35.2, "eta": 79.4}
    assert str(Progress(**{**some, **rest, **changes})) == line


# A callback.


def test_callback_gets_first_and_last_state_and_ten_per_second() -> None:
    clock = Clock()
    states: list[Progress] = []
    with Meter(states.append, 5_000, "station", clock=clock) as meter:
        assert [state.ended for state in states] == [0]
        work(meter, clock, seconds=2, per_second=1_000)
        shown = len(states)
        assert 19 <= shown <= 21
        for _ in range(1_000):
            meter.skipped(5)
        assert len(states) == shown
        clock.now += 0.1
        meter.skipped(4)
        assert (states[-1].skipped, states[-1].in_flight) == (1_001, 4)
    assert len(states) == shown + 2
    assert (states[-1].done, states[-1].skipped, states[-1].in_flight) == (2_000, 1_001, 0)
    assert [state.elapsed for state in states[:4]] == pytest.approx([0, 0.1, 0.2, 0.3], abs=0.005)


def test_slow_callback_is_not_called_for_every_item() -> None:
    clock = Clock()
    called: list[float] = []

    def slow(state: Progress) -> None:
        called.append(clock.now)
        clock.now += 3

    with Meter(slow, None, "station", clock=clock) as meter:
        for _ in range(99):
            clock.now += 0.01
            meter.ended("done", 0, 1)
        # The first state at 0, which took 3 s; then one after 0.1 s, and so on.
        assert called == pytest.approx([1000 + 3.1 * number for number in range(10)], abs=0.02 * 10)


def test_exception_of_a_callback_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    called: list[int] = []

    def broken(state: Progress) -> None:
        called.append(state.done)
        raise ZeroDivisionError

    with Meter(broken, 10, "station", clock=clock) as meter:
        work(meter, clock, seconds=10, per_second=1)
    assert called == [*range(11), 10]
    (record,) = caplog.records
    assert record.name == "alexa_props"
    assert record.levelno == logging.ERROR
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError


def test_failing_run_shows_its_last_state() -> None:
    states: list[Progress] = []
    with pytest.raises(ZeroDivisionError):
        fail(states.append, ZeroDivisionError())
    assert [(state.failed, state.in_flight) for state in states] == [(0, 0), (1, 0)]


async def _asynchronous(state: Progress) -> None: ...


@pytest.mark.parametrize("progress", [1, 0, "yes", object(), _asynchronous])
def test_refuses_invalid_progress(progress: Any) -> None:
    with pytest.raises(ConfigurationError, match="progress must be True, None, or a function") as caught:
        Meter(progress, 10, "station")
    assert repr(progress)[:70] in str(caught.value)


@pytest.mark.parametrize("progress", [None, False])
def test_none_and_false_show_nothing(
    progress: bool | None, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    clock = Clock()
    with Meter(progress, 10, "station", clock=clock) as meter:
        work(meter, clock, seconds=30, per_second=10)
    assert capsys.readouterr() == ("", "")
    assert not caplog.records


# A terminal.


def at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Replace stderr by a terminal. Called in the test, because pytest restores its own streams after the fixtures."""
    # The terminal that the tests run in must not matter.
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "LINES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setenv("TERM", "xterm-256color")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    return terminal


def test_bar_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = at_a_terminal(monkeypatch)
    piped = io.StringIO()
    monkeypatch.setattr(sys, "stdout", piped)
    clock = Clock()
    threads = threading.active_count()
    with Meter(True, 100, "delete [red]alarms[/red] {0}", clock=clock) as meter:
        assert "0 of 100" in terminal.getvalue()
        work(meter, clock, seconds=5, per_second=10)
        assert "50 of 100, 10.0/s, 0:00:05 left" in terminal.getvalue()
        assert threading.active_count() == threads
        # Output of the program is unchanged, on its own stream.
        sys.stdout.write("a line of the program\n")
        assert piped.getvalue() == "a line of the program\n"
        work(meter, clock, seconds=5, per_second=10)
    shown = terminal.getvalue()
    assert "delete [red]alarms[/red] {0}" in shown
    assert "100 of 100, 10.0/s, 0:00:10 elapsed" in shown
    assert shown.rindex("\x1b[?25h") > shown.index("\x1b[?25l")  # the cursor is back
    assert sys.stderr is terminal
    assert sys.stdout is piped


def test_bar_without_a_total(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = at_a_terminal(monkeypatch)
    clock = Clock()
    with Meter(True, None, "alarms", clock=clock) as meter:
        work(meter, clock, seconds=5, per_second=10)
        assert "50, 10.0/s, 0:00:05 elapsed" in terminal.getvalue()


def test_printed_lines_stay_whole_above_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = at_a_terminal(monkeypatch)
    other = Terminal()
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys, "stdout", other)
    say = print
    lines = [json.dumps({"text": "[red]" * number}) for number in (1, 60)]
    with Meter(True, 10, "alarms"):
        for line in lines:
            say(line)
        say("half a ", end="", flush=True)
        say(lines[0], "line", file=sys.stderr)
        assert other.getvalue().splitlines() == lines
        say("line", end="")
    assert other.getvalue().splitlines() == [*lines, "half a line"]
    assert (sys.stdout, sys.stderr) == (other, terminal)
    # The bar is erased before the line, and drawn again after it.
    assert f"\r\x1b[2K{lines[0]} line\n" in terminal.getvalue()
    assert "0 of 10" in terminal.getvalue().partition(f"{lines[0]} line\n")[2]


def test_bar_updates_while_rooms_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    terminal = at_a_terminal(monkeypatch)
    reader = copy_context()
    with Meter(True, None, "alarms", clock=clock) as meter:
        reader.run(meter.count_what_is_listed)
        for _ in range(3):
            clock.now += 1
            reader.run(count_listed, 50)
            meter.tick(0)
    shown = re.findall(r"listing rooms: \d+ units, [0-9:]+ elapsed", terminal.getvalue())
    assert shown == [f"listing rooms: {50 * n} units, 0:00:0{n} elapsed" for n in (1, 2, 3)]


@pytest.mark.parametrize("anyio_backend", [virtual_time()], ids=["virtual time"])
async def test_progress_updates_while_no_item_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(Meter.__init__.__kwdefaults__ or {}, "clock", anyio.current_time)
    states: list[Progress] = []
    async with Simulator(rooms=130, endpoints_per_room=0) as sim:
        asp = sim.smart_properties()
        sim.latency(3.5, operation="units.list")

        async def call(room: str) -> None:
            await anyio.sleep(5)

        await fleet.collect(call, fleet.walk_rooms(asp, sim.organization_id), progress=states.append)
    listing = [state for state in states if state.listed is not None and not state.ended and not state.in_flight]
    assert [round(state.elapsed) for state in listing[:10]] == list(range(1, 11))
    assert len({state.listed for state in listing}) > 2
    assert "listing rooms: 0 units" in str(listing[0])
    working = [round(state.elapsed) for state in states if state.in_flight]
    assert max(later - earlier for earlier, later in itertools.pairwise(working)) <= 1
    assert "listing" not in str(states[-1])


def test_bar_is_closed_if_the_run_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = at_a_terminal(monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        fail(True, KeyboardInterrupt())
    assert "1 of 100, 1 failed" in terminal.getvalue()
    assert terminal.getvalue().rstrip().endswith("\x1b[?25h")
    assert sys.stderr is terminal


def test_bar_is_closed_if_the_last_update_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = at_a_terminal(monkeypatch)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    meter = Meter(True, 10, "alarms").__enter__()
    with monkeypatch.context() as patch:
        patch.setattr(Terminal, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            meter.__exit__()
    assert sys.stderr is terminal


def test_lost_terminal_does_not_affect_the_run(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    terminal = at_a_terminal(monkeypatch)
    clock = Clock()
    with Meter(True, 10, "alarms", clock=clock) as meter:
        terminal.close()
        work(meter, clock, seconds=10, per_second=1)
    assert meter.now(0).done == 10
    assert [record.message for record in caplog.records] == [
        "showing the progress failed; the run continues, and further failures are not logged"
    ]


def test_terminal_lost_at_the_start_does_not_affect_the_run(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def gone(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    at_a_terminal(monkeypatch)
    monkeypatch.setattr(Terminal, "write", gone)
    with Meter(True, 10, "alarms") as meter:
        meter.ended("done", 0, 1)
    assert meter.now(0).done == 1
    assert len(caplog.records) == 1


def test_terminal_without_rich_logs_lines(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    terminal = at_a_terminal(monkeypatch)
    monkeypatch.setitem(sys.modules, "rich.console", None)
    monkeypatch.delitem(sys.modules, "alexa_props.fleet.bar", raising=False)
    check_log_lines(caplog, 'because rich is not installed: pip install "alexa-props[cli]"')
    assert terminal.getvalue() == ""


def check_log_lines(caplog: pytest.LogCaptureFixture, words: str) -> None:
    caplog.set_level(logging.INFO, logger="alexa_props")
    clock = Clock()
    with Meter(True, 10, "alarms", clock=clock) as meter:
        work(meter, clock, seconds=10, per_second=1)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO", "INFO", "INFO"]
    assert words in caplog.records[0].message
    assert caplog.records[-1].message == "alarms: 10 of 10, 1.0/s, 0:00:10 elapsed"


# Log lines.


@pytest.mark.parametrize("where", ["a file", "none", "closed", "dumb"])
def test_logs_lines_without_a_terminal(
    where: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = {"a file": io.StringIO(), "none": None, "closed": Terminal(), "dumb": Terminal()}[where]
    if where == "closed":
        assert stream is not None
        stream.close()
    monkeypatch.setenv("TERM", "dumb" if where == "dumb" else "xterm")
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setitem(sys.modules, "rich.console", None)  # not needed here
    caplog.set_level(logging.INFO, logger="alexa_props")
    clock = Clock()
    with Meter(True, 1_000, "delete_alarms", clock=clock) as meter:
        work(meter, clock, seconds=25, per_second=10)
    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("INFO", "delete_alarms: 0 of 1,000, 0.00/s, 0:00:00 elapsed"),
        ("INFO", "delete_alarms: 100 of 1,000, 10.0/s, 0:01:30 left"),
        ("INFO", "delete_alarms: 200 of 1,000, 10.0/s, 0:01:20 left"),
        ("INFO", "delete_alarms: 250 of 1,000, 10.0/s, 0:00:25 elapsed"),
    ]


# A notebook.


class Shell:
    """A replacement of the shell of a notebook."""

    kernel = object()
    config: dict[str, Any] = {"IPKernelApp": {}}  # noqa: RUF012 - by which older versions of tqdm know it


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """The widgets that a notebook shows."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # their warnings about each other
        import IPython  # type: ignore[import-not-found,unused-ignore]
        import ipywidgets  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: F401

    shown: list[Any] = []
    before = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "tqdm"}
    for name in before:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "ipykernel.zmqshell", types.ModuleType("ipykernel.zmqshell"))
    monkeypatch.setattr(IPython, "get_ipython", Shell)
    monkeypatch.setattr("IPython.display.display", shown.append)
    yield shown
    # tqdm looks for a notebook once, when it is imported. The next test has none.
    for name in [name for name in sys.modules if name.split(".")[0] == "tqdm"]:
        del sys.modules[name]


def test_widget_in_a_notebook(shown: list[Any]) -> None:
    clock = Clock()
    threads = threading.active_count()
    with Meter(True, 100, "<b>alarms</b> {x}", clock=clock) as meter:
        (widget,) = shown
        title, bar, text = widget.children
        assert (bar.max, bar.value) == (100, 0)
        work(meter, clock, seconds=5, per_second=10)
        assert bar.value == 50
        assert text.value.replace("\u2007", " ").strip() == "50 of 100, 10.0/s, 0:00:05 left"
        assert title.value.replace("\u2007", " ").strip() == "&lt;b&gt;alarms&lt;/b&gt; {x}"
        assert threading.active_count() == threads
        work(meter, clock, seconds=5, per_second=10)
    assert (bar.value, bar.bar_style) == (100, "success")
    assert text.value.replace("\u2007", " ").strip() == "100 of 100, 10.0/s, 0:00:10 elapsed"
    assert shown == [widget]


def test_widget_of_a_failed_run(shown: list[Any]) -> None:
    with pytest.raises(ZeroDivisionError):
        fail(True, ZeroDivisionError())
    _, bar, text = shown[0].children
    assert (bar.value, bar.bar_style) == (1, "danger")
    assert "1 failed" in text.value.replace("\u2007", " ")


def test_widget_without_a_total(shown: list[Any]) -> None:
    clock = Clock()
    with Meter(True, None, "alarms", clock=clock) as meter:
        work(meter, clock, seconds=5, per_second=10)
        assert "50, 10.0/s, 0:00:05 elapsed" in shown[0].children[2].value.replace("\u2007", " ")


def test_text_bar_in_a_notebook_without_widgets(
    shown: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    clock = Clock()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        meter = Meter(True, 100, "alarms", clock=clock)
    assert warned == []
    with meter:
        work(meter, clock, seconds=5, per_second=10)
        assert "50 of 100, 10.0/s, 0:00:05 left" in capsys.readouterr().err
    assert "50 of 100, 10.0/s, 0:00:05 elapsed" in capsys.readouterr().err
    assert shown == []


def test_notebook_without_tqdm_logs_lines(
    shown: list[Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    check_log_lines(caplog, 'because tqdm is not installed: pip install "alexa-props[notebook]"')


def test_shell_without_a_kernel_is_not_a_notebook(shown: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = at_a_terminal(monkeypatch)
    monkeypatch.setattr("IPython.get_ipython", object)
    with Meter(True, 10, "alarms"):
        pass
    assert "0 of 10" in terminal.getvalue()
    assert shown == []


# All of them.


def test_displays_are_imported_late() -> None:
    program = (
        "import sys, httpx\n"
        "before = set(sys.modules)\n"  # httpx imports rich if it is installed
        "import alexa_props.fleet.progress, alexa_props.fleet.report\n"
        "with alexa_props.fleet.progress.Meter(True, 1, 'x'): pass\n"
        "print(sorted({'rich', 'tqdm', 'IPython', 'pandas', 'polars'} & (set(sys.modules) - before)))\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"
