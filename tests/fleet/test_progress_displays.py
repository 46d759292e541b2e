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
import types
import warnings
from collections.abc import Iterator
from contextvars import copy_context
from typing import Any

import pytest

from alexa_props.fleet.progress import Meter, count_listed
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
        assert threading.active_count() <= threads  # idle threads of earlier tests may end
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
