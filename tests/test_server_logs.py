"""Failures are visible in the log of a web app, with uvicorn as a process."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[1] / "docs" / "server-logs.md").read_text()
BLOCKS = dict(re.findall(r"^```python\n# (.+?)\n(.+?)^```", PAGE, re.MULTILINE | re.DOTALL))

APP = """
from contextlib import asynccontextmanager

import httpx
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from alexa_props import RateLimit, errors
from alexa_props.simulator import Simulator

sim = Simulator(rooms=1)
sim.set_forbidden(*sim.rooms)
asp = sim.smart_properties(name="seaside", rate_limit=RateLimit(shared="/proc/absent"))


async def unit(request):
    await asp.units.get(sim.rooms[0])


async def failed(request, error):
    return JSONResponse({"error": "no such room"}, 404)


app = Starlette(routes=[Route("/", unit)], exception_handlers={errors.AlexaError: failed})
"""

RUN = """
import sys, threading, time

import httpx, uvicorn

server = uvicorn.Server(uvicorn.Config("app:app", port=0, **CONFIG))


def visit():
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    assert httpx.get(f"http://127.0.0.1:{port}/").status_code == 404
    server.should_exit = True


threading.Thread(target=visit).start()
server.run()
"""

FIELDS = r"call failed: client='seaside' operation='units\.get' subject='\S+' status=403 .*"
TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}"
LINE = rf"{TIME} WARNING alexa_props\.failures: {FIELDS}"


def served(folder: Path, app: str, config: str = "CONFIG = {}") -> list[str]:
    """Return what the server of an app printed while one request failed."""
    (folder / "app.py").write_text(app)
    (folder / "run.py").write_text(config + RUN)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "run.py"], cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=True
    )
    return (done.stdout + done.stderr).splitlines()


@pytest.mark.parametrize("logging", ["", BLOCKS["logging of an app"]], ids=["default", "configured"])
def test_uvicorn_shows_a_failure_once_with_time_and_level(tmp_path: Path, logging: str) -> None:
    printed = served(tmp_path, logging + APP)
    shown = [line for line in printed if "call failed" in line]
    assert len(shown) == 1, printed
    assert re.fullmatch(LINE, shown[0])
    (alone,) = [line for line in printed if "not shared" in line]
    assert re.match(rf"{TIME} WARNING alexa_props: the rate limit of units\.get is not shared", alone)
    assert any(re.fullmatch(r'INFO: .* "GET / HTTP/1.1" 404 Not Found', line) for line in printed)


@pytest.mark.apart
def test_uvicorn_shows_it_as_json(tmp_path: Path) -> None:
    config = BLOCKS["JSON logs"] + '\nCONFIG = {"log_config": LOGGING}\n'
    lines = [json.loads(line) for line in served(tmp_path, APP, config)]
    (failed,) = [line for line in lines if line["logger"] == "alexa_props.failures"]
    assert (failed["level"], failed["client"], failed["operation"], failed["status"]) == (
        *("WARNING", "seaside", "units.get"),
        403,
    )
    assert re.fullmatch(FIELDS, failed["message"])
    assert any(line["logger"] == "uvicorn.access" for line in lines)


@pytest.mark.apart
@pytest.mark.parametrize(("logger", "shown"), [("hypercorn.error", 1), ("gunicorn.error", 1), ("app", 0)])
def test_other_servers_that_configure_only_their_own_loggers(tmp_path: Path, logger: str, shown: int) -> None:
    call = "import asyncio\ntry:\n    asyncio.run(unit(None))\nexcept errors.Forbidden:\n    pass\n"
    configure = f"import logging\nlogging.getLogger({logger!r}).addHandler(logging.StreamHandler())\n"
    (tmp_path / "app.py").write_text(configure + APP + call)
    done = subprocess.run(
        [sys.executable, "app.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    alone, *lines = done.stderr.splitlines()
    assert alone.startswith("the rate limit of") is not bool(shown)
    assert (len(lines), all(re.fullmatch(LINE, line) for line in lines)) == (shown, True)


@pytest.mark.apart
@pytest.mark.parametrize("logger", ["alexa_props", "alexa_props.failures"])
def test_a_handler_of_the_app_replaces_the_line(tmp_path: Path, logger: str) -> None:
    quiet = f"import logging\nlogging.getLogger('{logger}').addHandler(logging.NullHandler())\n"
    assert not [line for line in served(tmp_path, quiet + APP) if "call failed" in line]
