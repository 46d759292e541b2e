"""A subject in a process of its own: `python -m benchmarks.subject MODULE FUNCTION '{"argument": 1}'`.

It prints what the function gives as one line of JSON. Where a peer is not installed that is `{"missing": "its name"}`.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import sys


def main(module: str, function: str, arguments: str) -> None:
    """Run the function, to its end if it is a coroutine, and print what it gives."""
    try:
        result = getattr(importlib.import_module(f"benchmarks.{module}"), function)(**json.loads(arguments))
        if inspect.iscoroutine(result):
            result = asyncio.run(result)
    except ModuleNotFoundError as error:
        result = {"missing": error.name}
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
