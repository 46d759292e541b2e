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

All operations of both services, as methods of the clients. An operation is "safe" if it may be sent again after its
response was lost; the others are repeated only if the service certainly did not handle them. Methods whose name ends in
`_many`, and `notifications.send`, take one batch of items; `fleet.run_many` splits longer inputs. Only
`endpoint_settings.get_many` takes one endpoint and several settings. The scope of every token is
`alexa::enterprise:management`; groups that need another one in addition name it. This file is generated:
`python -m tests.operations_page`.
"""
_AMAZON = "https://developer.amazon.com"
_PAGES = f"{_AMAZON}/en-US/docs/alexa/alexa-smart-properties/"
_LOGIN_PAGES = f"{_AMAZON}/docs/login-with-amazon/"


def render() -> str:
    """Return the page."""
    return (
        "\n".join(
            (
                HEAD,
                *sections("Alexa Smart Properties", "asp", SmartProperties),
                *sections("Alexa for Business", "a4b", AlexaForBusiness),
            )
        )
        + "\n"
    )


def name_of(operation: Operation[Any]) -> str:
    """Return the name of an operation as users write it: the profile is a method of the client."""
    return operation.name.removeprefix("login.")


def sections(title: str, client: str, kind: type[SmartProperties | AlexaForBusiness]) -> Iterator[str]:
    yield f"## {title}\n"
    ordered = sorted(kind.operations(), key=name_of)
    for group, rows in itertools.groupby(ordered, lambda each: name_of(each).partition(".")[0]):
        table = list(rows)
        notes = [(getattr(kind, group).__doc__ or "").splitlines()[0]]
        notes += [f"Scope `{scope}`." for scope in sorted({each.scope for each in table if each.scope is not None})]
        pages = dict.fromkeys(url_of(each) for each in table if each.target is None)
        links = ", ".join(f"[{Path(url).stem}]({url})" for url in pages)
        notes += [f"Source: {links}."] if links else []
        yield f"### {client}.{group}\n\n{' '.join(notes)}\n\n| Method | Request | Safe |\n| --- | --- | --- |"
        for each in table:
            path = re.sub(r"\{(\w+)\}", lambda found: f"{{{camel(found[1])}}}", each.path)
            request = f"`{each.method} {path}`" if each.target is None else f"`{each.target}`"
            if each.host is not None:
                request += f" ({HOSTS[each.host]})"
            yield f"| `{name_of(each).rpartition('.')[2]}` | {request} | {'yes' if each.idempotent else 'no'} |"
        yield ""


HOSTS = {"login": "host of Login with Amazon", "credential locker": "host of the credential locker"}


def url_of(operation: Operation[Any]) -> str:
    """Return the address of the page that documents an operation."""
    if operation.source.startswith("https:"):
        return operation.source
    return (_LOGIN_PAGES if operation.host == "login" else _PAGES) + operation.source


if __name__ == "__main__":
    PAGE.write_text(render())
