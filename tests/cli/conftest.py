"""A simulator, and the command in this process, as a process, and on a terminal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands import COMMAND, TAKE_TERMINAL, Run, Start, Terminal, invoke, show
from tests.cli.service import Service, serving


@pytest.fixture(scope="session", autouse=True)
def _signals_have_an_effect() -> None:
    """Child processes would ignore the signals that the tests were started to ignore (`nohup`, a script's `&`)."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


@pytest.fixture(scope="session")
def simulator() -> Iterator[Service]:
    with serving(rooms=12) as service:
        yield service


@pytest.fixture
def service(simulator: Service) -> Service:
    simulator.script("reset")
    return simulator


@pytest.fixture
def config(tmp_path: Path) -> dict[str, str]:
    """The variables of an empty home directory, and of a wide terminal."""
    folders = {"XDG_CONFIG_HOME": str(tmp_path / "config"), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    return {"HOME": str(tmp_path), **folders, "COLUMNS": "120"}


@pytest.fixture
def home(config: dict[str, str]) -> dict[str, str]:
    """The environment of a process: no credentials, an empty home directory, and buffered output, as usual."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"} | config


@pytest.fixture
def run(config: dict[str, str]) -> Run:
    """Runs the command in this process, without a terminal, and by default without credentials."""

    def start(*arguments: str, env: Mapping[str, str] | None = None, **options: Any) -> Any:
        return invoke(*arguments, env={**config, **(env or {})}, **options)

    return start


@pytest.fixture
def screen(config: dict[str, str]) -> Run:
    """Runs the command in this process, with its outputs on a terminal."""

    def start(*arguments: str, env: Mapping[str, str] | None = None) -> Any:
        return show(*arguments, env={**config, **(env or {})})

    return start


@pytest.fixture
def start(home: dict[str, str]) -> Iterator[Start]:
    """Starts the command as a process, in a session of its own."""
    started: list[subprocess.Popen[str]] = []

    def begin(*arguments: str, env: Mapping[str, str] | None = None, **options: Any) -> subprocess.Popen[str]:
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        prefix: list[str] = options.pop("prefix", [])
        process = subprocess.Popen(
            [*prefix, *COMMAND, *arguments], env={**home, **(env or {})}, text=True, start_new_session=True, **options
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        with process:  # its pipes are closed
            process.kill()


@pytest.fixture
def terminal(home: dict[str, str]) -> Iterator[Callable[..., Terminal]]:
    """Starts the command as a process on a terminal, with its standard input from there or from a file."""
    started: list[Terminal] = []

    def begin(*arguments: str, env: Mapping[str, str] | None = None, stdin: Path | None = None) -> Terminal:
        ours, theirs = os.openpty()
        try:
            with nullcontext(theirs) if stdin is None else stdin.open() as source:
                process = subprocess.Popen(
                    [sys.executable, "-c", TAKE_TERMINAL, *COMMAND, *arguments],
                    stdin=source,
                    stdout=theirs,
                    stderr=theirs,
                    env={**home, "TERM": "xterm", **(env or {})},
                )
        finally:
            os.close(theirs)
        started.append(Terminal(process, ours))
        return started[-1]

    yield begin
    for each in started:
        each.process.kill()
        each.process.wait()
        os.close(each.handle)
