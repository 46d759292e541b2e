"""The example in the docstring of each API group runs on the simulator."""

from __future__ import annotations

import ast
import functools
import inspect
import sys
import textwrap
from typing import Any

import pytest

from alexa_props import AlexaForBusiness, SmartProperties
from alexa_props.simulator import Simulator
from tests.wire import IDS, clients

GROUPS = [
    (client, name)
    for client, kind in (("asp", SmartProperties), ("a4b", AlexaForBusiness))
    for name, member in inspect.getmembers(kind)
    if isinstance(member, functools.cached_property)
]


def example_of(group: object) -> str:
    """Return the indented lines of a class docstring."""
    # Python 3.13 removes the indentation of docstrings, earlier ones do not.
    lines = inspect.cleandoc(type(group).__doc__ or "").splitlines()
    return textwrap.dedent("\n".join(line for line in lines if line.startswith("    ")))


@pytest.mark.parametrize(("client", "name"), GROUPS)
async def test_example(client: str, name: str) -> None:
    async with Simulator(rooms=5, seed=3) as sim:
        on = clients(sim)
        group = getattr(getattr(on, client), name)
        example = example_of(group)
        assert 1 <= len(example.splitlines()) <= 4, f"{name} has no example of one to four lines"
        ids = {f"{kind}_id": getattr(on, kind) for kind in IDS}
        names: dict[str, Any] = {
            "asp": on.asp,
            "a4b": on.a4b,
            "unit_id": on.room,
            "endpoint_id": on.endpoint,
            "device_arn": on.device,
            "organization_id": on.organization,
            "print": lambda *_: None,
            **ids,
            **vars(sys.modules[type(group).__module__]),
        }
        code = compile(example, name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        started = eval(code, names)
        if inspect.isawaitable(started):
            await started
        called = {call.operation.partition(".")[0] for call in sim.calls}
        assert name in called, f"the example calls {sorted(called)}"


async def test_editors_show_the_first_line_of_each_group() -> None:
    async with Simulator(rooms=5, seed=3) as sim:
        on = clients(sim)
        for client, name in GROUPS:
            kind = SmartProperties if client == "asp" else AlexaForBusiness
            group = getattr(getattr(on, client), name)
            assert getattr(kind, name).__doc__ == (type(group).__doc__ or "").splitlines()[0], name
