"""The command `alexa-props`. Needs the extra `cli`."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import NoReturn

__all__ = ["main"]


def main() -> None:
    """Entry point of the command."""
    # Imports take a while, and what an import makes of a `KeyboardInterrupt` is not always one. A signal that was
    # ignored at the start, as by `nohup`, stays so.
    interruptible = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if interruptible:
        signal.signal(signal.SIGINT, _leave)
    for name in ("stdout", "stderr"):
        # Closed by whoever started the command (`>&-`): Python leaves None there, which nobody can write to.
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - to the end
    try:
        # Late: without the extra, the command can still say what is missing.
        from alexa_props.cli.app import app
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "alexa_props":
            raise
        sys.exit(f'alexa-props: {error.name} is not installed: pip install "alexa-props[cli]"')
    try:
        if interruptible:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        # One name, however it was started: completion goes by it.
        app(prog_name="alexa-props")
    except KeyboardInterrupt:
        _leave()
    except RuntimeError as error:
        # pathlib's, as typer looks for the shell's configuration.
        if "home directory" not in str(error):
            raise
        sys.exit("alexa-props: there is no home directory: set HOME")


def _leave(_number: int = signal.SIGINT, _frame: FrameType | None = None) -> NoReturn:
    """End with the status of an interruption: nothing was sent yet."""
    try:
        if os.isatty(2):
            os.write(2, b"\n")  # the terminal has shown ^C
    except OSError:
        pass
    os._exit(128 + signal.SIGINT)
