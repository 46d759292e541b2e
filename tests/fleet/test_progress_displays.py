"""Displays of the progress: a bar in a terminal, a widget in a notebook, and log lines."""

from __future__ import annotations

import errno
import io
import json
import logging
import os
import re
import subprocess
import sys
import threading
import warnings
from contextvars import copy_context
from typing import Any

import pytest

from alexa_props.fleet.progress import Meter, count_listed, count_rooms, listing
from tests.fleet.helpers import Clock, fail, work


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        super().isatty()  # raises if it is closed
        return True


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


def uncoloured(terminal: Terminal) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", terminal.getvalue())


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
        assert threading.active_count() <= threads  # idle threads of earlier tests may end
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


def test_bar_is_closed_if_the_run_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = at_a_terminal(monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        fail(True, KeyboardInterrupt())
    assert "1 of 100, 1 failed" in uncoloured(terminal)
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
            meter.__exit__(None, None, None)
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


def test_bar_learns_the_number_of_rooms(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = at_a_terminal(monkeypatch)
    clock = Clock()
    reader = copy_context()
    with Meter(True, None, "alarms", reads_rooms=True, clock=clock) as meter:
        reader.run(meter.count_what_is_listed)
        work(meter, clock, seconds=5, per_second=10)
        assert "50, 10.0/s, 0:00:05 elapsed" in uncoloured(terminal)
        reader.run(count_rooms, 100)
        work(meter, clock, seconds=1, per_second=10)
    assert "60 of 100, 10.0/s, 0:00:04 left" in uncoloured(terminal)


def test_bar_turns_amber_when_an_item_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = at_a_terminal(monkeypatch)
    clock = Clock()
    green, amber = "\x1b[32m━", "\x1b[33m━"
    with Meter(True, 100, "alarms", clock=clock) as meter:
        work(meter, clock, seconds=5, per_second=10)
        assert green in terminal.getvalue()
        assert amber not in terminal.getvalue()
        clock.now += 1
        meter.ended("unknown", 0, 1)
    assert re.search(r"\x1b\[33m━.*\x1b\[33m1 unknown\x1b\[0m", terminal.getvalue())


def test_terminal_without_rich_logs_lines(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    terminal = at_a_terminal(monkeypatch)
    monkeypatch.setitem(sys.modules, "rich.console", None)
    monkeypatch.delitem(sys.modules, "alexa_props.fleet.bar", raising=False)
    caplog.set_level(logging.INFO, logger="alexa_props")
    with Meter(True, 10, "alarms"):
        pass
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert 'because rich is not installed: pip install "alexa-props[cli]"' in caplog.records[0].message
    assert terminal.getvalue() == ""


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
    with Meter(True, 1_000, "delete alarms", clock=clock) as meter:
        work(meter, clock, seconds=150, per_second=5)
    assert {(record.levelname, record.name) for record in caplog.records} == {("INFO", "alexa_props.progress")}
    assert [record.message for record in caplog.records] == [
        "delete alarms: 300 of 1,000, 5.0/s, 0:02:20 left",
        "delete alarms: 600 of 1,000, 5.0/s, 0:01:20 left",
        "delete alarms: 750 of 1,000, 5.0/s, 0:02:30 elapsed",
    ]


def test_logs_a_line_per_minute_while_rooms_are_listed(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    caplog.set_level(logging.INFO, logger="alexa_props")
    clock = Clock()
    monkeypatch.setattr("time.monotonic", clock)
    with listing("reset room") as show:
        for number in range(1, 131):
            clock.now += 1
            show(50 * number, number)
    reader = copy_context()
    with Meter(True, None, "reset room", clock=clock) as meter:
        reader.run(meter.count_what_is_listed)
        for _ in range(61):
            clock.now += 1
            reader.run(count_listed, 50)
    assert [record.message for record in caplog.records][:3] == [
        "reset room: listing rooms: 3,000 units, 60 devices",
        "reset room: listing rooms: 6,000 units, 120 devices",
        "reset room: listing rooms: 3,000 units, 0:01:00 elapsed",
    ]


# A notebook.


class Shell:
    """A replacement of the shell of a notebook."""

    kernel = object()


class Output:
    """An output of a cell, and all that it showed."""

    def __init__(self, bundle: dict[str, Any], *, raw: bool, display_id: bool) -> None:
        assert raw
        assert display_id
        self.shown = [bundle]

    def update(self, bundle: dict[str, Any], *, raw: bool) -> None:
        assert raw
        self.shown.append(bundle)

    @property
    def text(self) -> str:
        """What is shown, and saved, where there are no widgets."""
        text: str = self.shown[-1]["text/plain"]
        return text


@pytest.fixture
def outputs(monkeypatch: pytest.MonkeyPatch) -> list[Output]:
    """The outputs of a cell."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # their warnings about each other
        import IPython  # type: ignore[import-not-found,unused-ignore]
        import ipywidgets  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: F401

        import alexa_props.fleet.widget

    outputs: list[Output] = []

    def display(bundle: dict[str, Any], **options: bool) -> Output:
        outputs.append(Output(bundle, **options))
        return outputs[-1]

    monkeypatch.setattr(IPython, "get_ipython", Shell)
    monkeypatch.setattr(alexa_props.fleet.widget, "display", display)
    return outputs


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Title, bar and text of the widget, once it is shown."""
    import ipywidgets

    real, found = ipywidgets.HBox, []

    def made(children: list[Any]) -> Any:
        found.extend(children)
        return real(children)

    monkeypatch.setattr(ipywidgets, "HBox", made)
    return found


def test_widget_in_a_notebook(outputs: list[Output], box: list[Any]) -> None:
    clock = Clock()
    threads = threading.active_count()
    with Meter(True, 100, "<b>alarms</b> {x}", clock=clock) as meter:
        (output,) = outputs
        title, bar, text = box
        assert (title.value, bar.max, bar.value) == ("<b>alarms</b> {x}", 100, 0)
        work(meter, clock, seconds=5, per_second=10)
        assert (bar.value, text.value) == (50, "50 of 100, 10.0/s, 0:00:05 left")
        assert threading.active_count() <= threads  # idle threads of earlier tests may end
        work(meter, clock, seconds=5, per_second=10)
    assert (bar.value, bar.bar_style, bar.style.bar_color) == (100, "success", None)
    assert text.value == "100 of 100, 10.0/s, 0:00:10 elapsed"
    assert output.text == f"<b>alarms</b> {{x}}: {text.value}"
    assert outputs == [output]


def test_widget_turns_amber_when_an_item_fails(outputs: list[Output], box: list[Any]) -> None:
    with Meter(True, 2, "alarms", clock=Clock()) as meter:
        meter.ended("done", 0, 1)
        meter.ended("failed", 0, 0)
    _, bar, text = box
    assert (bar.bar_style, bar.style.bar_color) == ("success", "#ffbf00")
    assert text.value.startswith("2 of 2, 1 failed")


def test_widget_of_an_interrupted_cell(outputs: list[Output], box: list[Any]) -> None:
    with pytest.raises(KeyboardInterrupt):
        fail(True, KeyboardInterrupt())
    _, bar, text = box
    assert (bar.value, bar.bar_style, bar.style.bar_color) == (1, "danger", None)
    assert re.fullmatch("1 of 100, 1 failed, .* elapsed, interrupted", text.value)
    assert outputs[0].text == f"station: {text.value}"


def test_widget_shows_the_listing_and_then_a_bar(outputs: list[Output], box: list[Any]) -> None:
    clock = Clock()
    reader = copy_context()
    with Meter(True, None, "alarms", reads_rooms=True, clock=clock) as meter:
        reader.run(meter.count_what_is_listed)
        reader.run(count_listed, 50)
        _, bar, text = box
        clock.now += 1
        meter.tick(0)
        assert text.value == "listing rooms: 50 units, 0:00:01 elapsed"
        assert (bar.bar_style, bar.layout.width) == ("info", "20px")
        reader.run(count_rooms, 40)
        work(meter, clock, seconds=2, per_second=10)
    assert (bar.max, bar.value, bar.layout.width) == (40, 20, None)
    assert text.value == "20 of 40, 6.7/s, 0:00:03 elapsed"


def test_line_of_text_in_a_notebook_without_widgets(outputs: list[Output], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    clock = Clock()
    with Meter(True, 100, "alarms", clock=clock) as meter:
        work(meter, clock, seconds=5, per_second=10)
        assert outputs[0].text == "alarms: 50 of 100, 10.0/s, 0:00:05 left"
    assert outputs[0].text == "alarms: 50 of 100, 10.0/s, 0:00:05 elapsed"
    assert [list(shown) for shown in outputs[0].shown if list(shown) != ["text/plain"]] == []


def test_shell_without_a_kernel_is_not_a_notebook(outputs: list[Output], monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = at_a_terminal(monkeypatch)
    monkeypatch.setattr("IPython.get_ipython", object)
    with Meter(True, 10, "alarms"):
        pass
    assert "0 of 10" in terminal.getvalue()
    assert outputs == []


# All of them.


def test_displays_are_imported_late() -> None:
    program = (
        "import sys, httpx\n"
        "before = set(sys.modules)\n"  # httpx imports rich if it is installed
        "import alexa_props.fleet.progress, alexa_props.fleet.report\n"
        "with alexa_props.fleet.progress.Meter(True, 1, 'x'): pass\n"
        "print(sorted({'rich', 'ipywidgets', 'IPython', 'pandas', 'polars'} & (set(sys.modules) - before)))\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"
