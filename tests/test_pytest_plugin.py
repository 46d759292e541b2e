"""The fixtures for users' tests, in projects of their own: each is a process, as plugins are loaded once."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.apart

PAGE = (Path(__file__).parents[1] / "docs" / "testing.md").read_text()
BLOCKS = dict(re.findall(r"^```python\n# (.+?)\n(.+?)^```", PAGE, re.MULTILINE | re.DOTALL))
# Development mode shows what is not closed; warnings are errors.
PYTEST = sys.executable, "-X", "dev", "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "-p", "no:xdist"
STRICT = "-o", "asyncio_default_fixture_loop_scope=function"
AUTO = *STRICT, "-o", "asyncio_mode=auto"
NONE = "-p", "no:asyncio", "-p", "no:anyio"

SYNC = """
import asyncio
import sys

import pytest

handed_out = []


def test_nothing_was_imported_for_it():
    loaded = set(sys.modules)
    assert "alexa_props.pytest_plugin" in loaded
    assert not loaded & {"alexa_props.client", "alexa_props.simulator", "starlette", "httpx"}


def test_a_loop_of_the_test(smart_properties, alexa_simulator):
    room = alexa_simulator.rooms[0]
    assert asyncio.run(smart_properties.units.get(room)).id == room
    assert asyncio.run(smart_properties.units.get(room)).id == room
    handed_out.append(smart_properties)


def test_the_client_is_closed_after_the_test(smart_properties):
    assert "closed" in repr(handed_out[0])
    assert "closed" not in repr(smart_properties)


@pytest.mark.alexa_simulator(rooms=3, seed=9)
class TestMarked:
    def test_the_class_decides(self, alexa_simulator):
        assert (len(alexa_simulator.rooms), alexa_simulator.seed) == (3, 9)

    @pytest.mark.alexa_simulator(rooms=0)
    def test_the_closest_counts(self, alexa_simulator):
        assert (alexa_simulator.rooms, alexa_simulator.seed) == ([], 0)


class TestExtended:
    @pytest.fixture
    def alexa_simulator(self, alexa_simulator):
        alexa_simulator.set_offline(alexa_simulator.endpoints[0])
        return alexa_simulator

    def test_a_fixture_of_the_same_name_extends_it(self, smart_properties, alexa_simulator):
        async def failures():
            deletion = smart_properties.alerts.delete_alarms(alexa_simulator.rooms[0])
            return [failure.endpoint_id async for failure in deletion]

        assert asyncio.run(failures()) == alexa_simulator.endpoints[:1]


@pytest.fixture(scope="module")
def loop():
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield loop
    asyncio.set_event_loop(None)
    loop.close()


def test_in_the_current_loop(loop, smart_properties, alexa_simulator):
    loop.run_until_complete(smart_properties.units.get(alexa_simulator.rooms[0]))


def test_the_current_loop_stays(loop):
    assert asyncio.get_event_loop() is loop
"""

ASYNC = """
import pytest

{mark}


@{fixture}
async def unit(smart_properties, alexa_simulator):
    yield await smart_properties.units.get(alexa_simulator.rooms[0])
    # The client is open until the fixtures that use it have ended.
    await smart_properties.units.get(alexa_simulator.rooms[0])


async def test_an_async_fixture(unit, alexa_simulator):
    assert unit.id == alexa_simulator.rooms[0]


async def test_entered_or_not(smart_properties, alexa_for_business, alexa_simulator):
    async with smart_properties as asp:
        assert (await asp.units.get(alexa_simulator.rooms[0])).name == "Room 101"
    assert len(await alexa_for_business.devices.search(page_size=5)) == 5
"""

SOCKET = """

async def test_a_socket(alexa_simulator, monkeypatch):
    from alexa_props import SmartProperties

    async with alexa_simulator.serve():
        for name, value in alexa_simulator.env().items():
            monkeypatch.setenv(name, value)
        async with SmartProperties.from_env() as asp:
            assert (await asp.units.get(alexa_simulator.rooms[0])).name == "Room 101"
        await alexa_simulator.smart_properties().units.get(alexa_simulator.rooms[0])
"""


def run(folder: Path, *arguments: str) -> str:
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run([*PYTEST, *arguments], cwd=folder, env=env, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def asyncio_file(scope: str) -> str:
    mark = f'import pytest_asyncio\n\npytestmark = pytest.mark.asyncio(loop_scope="{scope}")'
    return ASYNC.format(mark=mark, fixture=f'pytest_asyncio.fixture(loop_scope="{scope}")') + SOCKET


def test_without_a_plugin_for_async_tests(tmp_path: Path) -> None:
    (tmp_path / "test_sync.py").write_text(SYNC)
    assert "8 passed" in run(tmp_path, "--strict-markers", *NONE)


def test_with_pytest_asyncio_and_anyio_side_by_side(tmp_path: Path) -> None:
    (tmp_path / "test_a_sync.py").write_text(SYNC)
    (tmp_path / "test_function.py").write_text(asyncio_file("function"))
    (tmp_path / "test_session.py").write_text(asyncio_file("session"))
    on_both_backends = ASYNC.format(mark="pytestmark = pytest.mark.anyio", fixture="pytest.fixture")
    (tmp_path / "test_anyio.py").write_text(on_both_backends)
    assert "18 passed" in run(tmp_path, *STRICT)


def test_with_pytest_asyncio_in_auto_mode(tmp_path: Path) -> None:
    (tmp_path / "test_a_sync.py").write_text(SYNC)
    (tmp_path / "test_asyncio.py").write_text(ASYNC.format(mark="", fixture="pytest.fixture") + SOCKET)
    assert "11 passed" in run(tmp_path, *AUTO)


def test_the_tests_of_the_page(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(
        BLOCKS["override the simulator"] + "\n\n@pytest.fixture\ndef anyio_backend(): return 'asyncio'\n"
    )
    (tmp_path / "test_page.py").write_text(BLOCKS["tests with pytest"] + BLOCKS["an app from the environment"])
    assert "2 passed" in run(tmp_path, "-p", "no:asyncio")


def test_a_project_without_the_extra_sees_it_only_in_the_fixtures(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text("import sys\nsys.modules['starlette'] = None\n")
    (tmp_path / "test_it.py").write_text("def test_other(): pass\n\n\ndef test_uses_it(smart_properties): pass\n")
    output = run(tmp_path, *NONE)
    assert "1 passed, 1 error" in output
    assert 'pip install "alexa-props[simulator]"' in output
