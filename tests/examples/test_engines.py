"""The programs for Temporal and Celery in docs/several-machines.md, with stand-ins for the engines."""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import anyio.to_thread
import pytest

from alexa_props import SmartProperties
from alexa_props.simulator import Simulator

PAGE = (Path(__file__).parents[2] / "docs" / "several-machines.md").read_text()
PROGRAMS = dict(re.findall(r"^```py\n# (\S+)\n(.+?)^```", PAGE, re.MULTILINE | re.DOTALL))
"""By the name in their first line. They are not ```python, because type checkers would need the engines."""


@pytest.fixture
async def sim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Simulator]:
    async with Simulator(rooms=8, endpoints_per_room=1, seed=3) as sim, sim.serve():
        sim.set_offline(sim.endpoints[0])
        for name, value in {**sim.env(), "FLEET_FOLDER": str(tmp_path), "BROKER_URL": "memory://"}.items():
            monkeypatch.setenv(name, value)
        yield sim


def run(name: str, monkeypatch: pytest.MonkeyPatch, engine: str, **names: Any) -> dict[str, Any]:
    """Run a program with a stand-in for its engine, and return what it defines."""
    module = ModuleType(engine)
    vars(module).update(names)
    monkeypatch.setitem(sys.modules, engine, module)
    defined: dict[str, Any] = {}
    exec(PROGRAMS[name], defined)
    return defined


def check(found: list[dict[str, Any]], sim: Simulator, folder: Path) -> None:
    assert [(row["key"], row["code"]) for row in found] == [(sim.rooms[0], "DEVICE_NOT_REACHABLE")]
    assert sim.count("alerts.delete_alarms") == 8
    assert (folder / "alarms-part.db").exists()


def test_there_are_two_programs() -> None:
    assert set(PROGRAMS) == {"activities.py", "tasks.py"}
    assert PAGE.count("```py\n") == 2


async def test_the_activity_resumes_and_has_heartbeats(
    sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beats: list[int] = []
    activity = SimpleNamespace(defn=lambda function: function, heartbeat=beats.append)
    program = run("activities.py", monkeypatch, "temporalio", activity=activity)
    async with SmartProperties.from_env() as asp:
        alarms = program["Alarms"](asp)
        check(await alarms.delete_alarms("part", sim.rooms), sim, tmp_path)
        assert beats[-1] == 7
        # Another attempt sends nothing, and reports the same.
        check(await alarms.delete_alarms("part", sim.rooms), sim, tmp_path)
    monkeypatch.setenv("ALEXA_PROPS_REFRESH_TOKEN", "revoked")
    async with SmartProperties.from_env() as asp:
        with pytest.raises(RuntimeError, match="refused"):
            await program["Alarms"](asp).delete_alarms("other", sim.rooms)


async def test_the_task_resumes(sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Celery:
        def __init__(self, name: str, *, broker: str) -> None:
            self.conf: dict[str, Any] = {}

        def task(self, *, name: str) -> Callable[[Any], Any]:
            return lambda function: function

    program = run("tasks.py", monkeypatch, "celery", Celery=Celery)
    assert program["app"].conf["task_acks_late"]
    for _ in range(2):
        found = await anyio.to_thread.run_sync(program["delete_alarms"], "part", sim.rooms)
        check(found, sim, tmp_path)
