"""The command `alexa-props`. Needs the extra `cli`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["main"]


def main() -> None:
    """Entry point of the command."""
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
    # One name, however it was started: completion goes by it.
    app(prog_name="alexa-props")
