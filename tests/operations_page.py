"""Writes `docs/operations.md` from the operation tables: `python -m tests.operations_page`."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from alexa_props import AlexaForBusiness, SmartProperties
from alexa_props.codec import camel
from alexa_props.operation import Operation

PAGE = Path(__file__).parents[1] / "docs" / "operations.md"
HEAD = """# Operations

All operations of both services, as methods of the clients. "Safe" marks those that are repeated after a lost response;
the others are repeated only if nothing was sent. The scope of every token is `alexa::enterprise:management`; further
scopes are named. The file is generated: `python -m tests.operations_page`.
"""


def render() -> str:
    """Return the page."""
    return (
        "\n".join(
            (
                HEAD,
                *sections("Alexa Smart Properties", "asp", SmartProperties.operations()),
                *sections("Alexa for Business", "a4b", AlexaForBusiness.operations()),
            )
        )
        + "\n"
    )


def sections(title: str, client: str, operations: tuple[Operation[Any], ...]) -> Iterator[str]:
    yield f"## {title}\n"
    groups = itertools.groupby(sorted(operations, key=lambda each: each.name), lambda each: each.name.partition(".")[0])
    for group, rows in groups:
        table = list(rows)
        # The profile is a method of the client.
        yield f"### {client}\n" if group == "login" else f"### {client}.{group}\n"
        notes = [f"Scope `{scope}`." for scope in sorted({each.scope for each in table if each.scope is not None})]
        notes += [f"Host: {host}." for host in sorted({each.host for each in table if each.host is not None})]
        if notes:
            yield " ".join(notes) + "\n"
        yield "| Method | Request | Safe |\n| --- | --- | --- |"
        for each in table:
            path = re.sub(r"\{(\w+)\}", lambda found: f"{{{camel(found[1])}}}", each.path)
            request = f"{each.method} {path}" if each.target is None else each.target
            yield f"| `{each.name.partition('.')[2]}` | `{request}` | {'yes' if each.idempotent else 'no'} |"
        yield ""


if __name__ == "__main__":
    PAGE.write_text(render())
