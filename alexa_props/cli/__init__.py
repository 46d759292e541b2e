"""The command `alexa-props`. Needs the extra `cli`."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Entry point of the command."""
    try:
        # Late: without the extra, the command can still say what is missing.
        from alexa_props.cli.app import app
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "alexa_props":
            raise
        sys.exit(f'alexa-props: {error.name} is not installed: pip install "alexa-props[cli]"')
    app()
