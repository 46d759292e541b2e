"""A simulator in a process of its own, and the command with and without a terminal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.cli.processes import COMMAND, TAKE_TERMINAL, Run, Service, Terminal, simulated


@pytest.fixture(scope="session", autouse=True)
def _signals_have_an_effect() -> None:
    """A signal that the tests were started to ignore (`nohup`, a script's `&`) would be ignored by their children."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


@pytest.fixture(scope="session")
def simulator() -> Iterator[Service]:
    with simulated(rooms=12) as service:
        yield service


@pytest.fixture
def service(simulator: Service) -> Service:
    simulator.script("reset")
    return simulator


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An environment without credentials, with a home of its own, and in which output is buffered, as it mostly is."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return {**inherited, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config"), "COLUMNS": "120"}


@pytest.fixture
def run(home: dict[str, str]) -> Run:
    """Runs the command without a terminal, and by default without credentials."""

    def start(
        *arguments: str, env: Mapping[str, str] | None = None, text: str = ""
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*COMMAND, *arguments],
            input=text,
            capture_output=True,
            text=True,
            check=False,
            env={**home, **(env or {})},
            start_new_session=True,
            timeout=60,
        )
        assert "Traceback" not in done.stderr
        assert "Exception ignored" not in done.stderr
        return done

    return start


@pytest.fixture
def terminal(home: dict[str, str]) -> Iterator[Callable[..., Terminal]]:
    """Starts the command on a terminal."""
    started: list[Terminal] = []

    def start(*arguments: str, env: Mapping[str, str] | None = None) -> Terminal:
        ours, theirs = os.openpty()
        try:
            process = subprocess.Popen(
                [sys.executable, "-c", TAKE_TERMINAL, *COMMAND, *arguments],
                stdin=theirs,
                stdout=theirs,
                stderr=theirs,
                env={**home, "TERM": "xterm", **(env or {})},
            )
        finally:
            os.close(theirs)
        started.append(Terminal(process, ours))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.wait()
        os.close(each.handle)
