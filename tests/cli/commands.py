"""Running a command: in this process, in this process on a terminal, or as a process."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from typing import TextIO, TypeAlias

import attrs
import pytest
from typer.testing import CliRunner

from alexa_props.cli.app import app

COMMAND = [sys.executable, "-m", "alexa_props.cli"]

# Takes the terminal on its standard error as its controlling one, so that Ctrl-C there reaches it.
TAKE_TERMINAL = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(2, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""

Completed: TypeAlias = "subprocess.CompletedProcess[str]"
Run: TypeAlias = Callable[..., Completed]
Start: TypeAlias = Callable[..., "subprocess.Popen[str]"]


def invoke(*arguments: str, env: Mapping[str, str], text: str | bytes = "", charset: str = "utf-8") -> Completed:
    """Run the command in this process, without a terminal."""
    done = CliRunner(charset=charset).invoke(app, arguments, input=text, env=env, prog_name="alexa-props")
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)


def show(*arguments: str, env: Mapping[str, str]) -> Completed:
    """Run the command in this process, with its outputs on a terminal."""
    ours, theirs = os.openpty()
    seen: list[bytes] = []

    def read() -> None:
        while chunk := _read(ours):
            seen.append(chunk)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        with (
            pytest.MonkeyPatch.context() as patch,
            open(theirs, "w", encoding="utf-8") as screen,  # noqa: PTH123 - a descriptor
            redirect_stdout(screen),
            redirect_stderr(screen),
        ):
            for name, value in {"TERM": "xterm", **env}.items():
                patch.setenv(name, value)
            try:
                app(arguments, prog_name="alexa-props")
            except SystemExit as exit_:
                status = exit_.code
    finally:
        reader.join()
        os.close(ours)
    assert isinstance(status, int)
    return subprocess.CompletedProcess(arguments, status, b"".join(seen).decode())


def lines_of(shown: Completed) -> list[str]:
    """Return the lines that a terminal shows in the end, without blank ones, spinners and colors."""
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.stdout).replace("\r\n", "\n")
    lines = [line.rpartition("\r")[2].rstrip() for line in text.split("\n")]
    return [line for line in lines if line.strip() and not "\u2800" <= line[0] <= "\u28ff"]


def closed_pipe() -> TextIO:
    """Return a pipe that nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    return open(writer, "w")  # noqa: PTH123 - a descriptor, which the caller closes


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""  # Linux reports a closed terminal like this


@attrs.frozen
class Terminal:
    """A terminal, and the process that it controls."""

    process: subprocess.Popen[bytes]
    handle: int

    def read(self, until: str | None = None) -> str:
        """Return what is shown, up to and including a text, or to the end."""
        seen = b""
        while until is None or until.encode() not in seen:
            chunk = _read(self.handle)
            if not chunk:
                break
            seen += chunk
        return seen.decode()

    def write(self, text: str) -> None:
        os.write(self.handle, text.encode())

    def hang_up(self) -> None:
        """Close the terminal, as a closed window or a lost connection does."""
        # Put another file in its place: the handle is closed at the end of the test.
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, self.handle)
        os.close(null)
