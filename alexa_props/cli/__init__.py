"""The command `alexa-props`. Needs the extra `cli`."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from types import FrameType
from typing import NoReturn

__all__ = ["main"]


def main() -> None:
    """Run the command."""
    # Imports take a while, and an import may turn a `KeyboardInterrupt` into another exception. A signal that was
    # ignored at the start, as by `nohup`, stays ignored.
    interruptible = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if interruptible:
        signal.signal(signal.SIGINT, _interrupted)
    for name in ("stdout", "stderr"):
        # Closed at the start (`>&-`): Python leaves None there, which cannot be written to.
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - open until the process ends
    try:
        # Late: without the extra, the command still reports what is missing.
        from alexa_props.cli.app import app
    except ModuleNotFoundError as error:
        _report_missing(error)
    try:
        if interruptible:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        # One name, however the command was started: completion depends on it.
        with _bash_completion():
            app(prog_name="alexa-props")
    except KeyboardInterrupt:
        _interrupted()
    except ModuleNotFoundError as error:
        # Commands import their modules on first use.
        _report_missing(error)
    except RuntimeError as error:
        # Raised by pathlib when typer looks for the shell's configuration.
        if "home directory" not in str(error):
            raise
        sys.exit("alexa-props: there is no home directory: set HOME")


def _report_missing(error: ModuleNotFoundError) -> NoReturn:
    if (error.name or "").partition(".")[0] == "alexa_props":
        raise error
    sys.exit(f'alexa-props: {error.name} is not installed: pip install "alexa-props[cli]"')


@contextmanager
def _bash_completion() -> Iterator[None]:
    """Quote the output of the block for bash completion, which inserts it unchanged: names have spaces."""
    if os.environ.get("_ALEXA_PROPS_COMPLETE") != "complete_bash":
        yield
        return
    from alexa_props.cli.completion import quote_for_bash

    offered = io.StringIO()
    try:
        with redirect_stdout(offered):
            yield
    finally:
        sys.stdout.write(quote_for_bash(offered.getvalue(), os.environ.get("COMP_WORDS", "")))


def _interrupted(_number: int = signal.SIGINT, _frame: FrameType | None = None) -> NoReturn:
    """Exit with the status of an interruption: nothing was sent yet."""
    try:
        if os.isatty(2):
            os.write(2, b"\n")  # the terminal has echoed ^C
    except OSError:
        pass
    os._exit(128 + signal.SIGINT)
