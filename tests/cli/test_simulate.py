"""`alexa-props simulate`: what it prints, what it serves, and when it ends."""

from __future__ import annotations

import errno
import functools
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from threading import Thread
from typing import Any, TextIO

import anyio
import httpx
import pytest

from alexa_props import AlexaForBusiness, LoginWithAmazon, SigV4, SmartProperties
from alexa_props.cli.app import app
from alexa_props.cli.simulate import simulate
from alexa_props.simulator import Simulator
from tests.cli.commands import Run, Start
from tests.cli.service import FACTS

SIZE: dict[str, Any] = {"rooms": 1, "endpoints_per_room": 1, "seed": 7, "unassigned_endpoints": 0}
FAULTS: dict[str, Any] = {"quota": None, "burst": None, "latency": 0.0, "effect_delay": 0.0, "offline": 0, "failing": 0}
OPTIONS: dict[str, Any] = {**SIZE, **FAULTS, "caller_scope": "all", "host": "0.0.0.0", "port": 0}


@contextmanager
def simulating(monkeypatch: pytest.MonkeyPatch, *options: str) -> Iterator[tuple[TextIO, int]]:
    """The command in a thread, until the end of its input; yields what it prints, and the end that feeds it."""
    statuses: list[Any] = []

    def run() -> None:
        try:
            app(["simulate", "--port", "0", "--until-eof", *options])
        except SystemExit as exit_:
            statuses.append(exit_.code)

    (reads, feeds), (prints, writes) = os.pipe(), os.pipe()
    with open(reads) as stdin, open(prints) as printed, open(writes, "w") as stdout, redirect_stdout(stdout):  # noqa: PTH123 - descriptors
        monkeypatch.setattr(sys, "stdin", stdin)
        thread = Thread(target=run)
        thread.start()
        try:
            yield printed, feeds
        finally:
            os.close(feeds)
            thread.join(10)
    assert statuses == [0]


async def test_it_serves_all_three_services_until_sigterm_and_leaves_ignored_signals_alone(start: Start) -> None:
    ignoring = ["sh", "-c", 'trap "" INT; exec "$@"', "sh"]
    process = start("simulate", "--port", "0", "--json", prefix=ignoring)
    assert process.stdout is not None
    facts = json.loads(process.stdout.readline())
    process.send_signal(signal.SIGINT)
    assert set(facts) == set(FACTS)
    auth = LoginWithAmazon(
        client_id=facts["client_id"],
        client_secret=facts["client_secret"],
        refresh_token=facts["refresh_token"],
        token_url=facts["token_url"],
    )
    async with SmartProperties(auth=auth, base_url=facts["base_url"]) as asp:
        assert len(await asp.units.list(facts["organization_id"])) > 0
    keys = SigV4(access_key=facts["aws_access_key_id"], secret_key=facts["aws_secret_access_key"])
    async with AlexaForBusiness(auth=keys, region=facts["aws_region"], base_url=facts["base_url"]) as a4b:
        devices = await a4b.devices.search(page_size=50)
        assert (devices.total_count or 0) >= 60
        assert len(await a4b.devices.events(devices.items[0].device_arn or "")) > 0
        users = [user async for user in a4b.users.search()]
        assert len(users) >= 20
        assert "DISASSOCIATING" in {user.enrollment_status for user in users}
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=10) == ("", "")
    assert process.returncode == 0


def test_for_people_it_prints_a_list_and_how_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    with simulating(monkeypatch, "--rooms", "3") as (printed, _):
        lines = [printed.readline() for _ in range(12)]
    assert [line.split()[0] for line in lines[:9]] == list(FACTS)
    assert lines[10].endswith(f": alexa-props login --simulator {lines[0].split()[1]}\n")
    assert "Ctrl-C" in lines[11]


def test_it_prints_variables_to_paste_into_a_shell(monkeypatch: pytest.MonkeyPatch, run: Run, tmp_path: Path) -> None:
    with simulating(monkeypatch, "--env", "--rooms", "1") as (printed, _):
        names = Simulator(rooms=1).env("http://127.0.0.1:1").keys()
        text = "".join(printed.readline() for _ in range(1 + len(names)))
        # A comment first; the shell knows how to read the rest.
        assert text.startswith("#")
        script = tmp_path / "script"
        script.write_text(text + "env -0\n")
        found = subprocess.run(["sh", str(script)], capture_output=True, text=True, check=True, env={}).stdout
        environment = dict(line.partition("=")[::2] for line in found.split("\0") if line)
        wanted = {name: value for name, value in environment.items() if name.startswith(("ALEXA_PROPS_", "AWS_"))}
        assert wanted.keys() == names
        assert run("units", env=wanted).returncode == 0
        assert run("a4b", "devices", env=wanted).returncode == 0


def test_either_variables_or_json(run: Run) -> None:
    done = run("simulate", "--env", "--json")
    assert (done.returncode, done.stdout, "not both" in done.stderr) == (2, "", True)


def test_quotas_faults_and_the_scope_of_unassigned_endpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    quota = ("--quota", "1", "--burst", "2", "--latency", "0.001", "--offline", "1", "--failing", "2")
    scope = ("--unassigned-endpoints", "3", "--caller-scope", "unassigned")
    with simulating(monkeypatch, "--json", *quota, *scope) as (printed, _):
        facts = json.loads(printed.readline())
        with httpx.Client(base_url=facts["base_url"]) as http:
            form = {name: facts[name] for name in ("client_id", "client_secret", "refresh_token")}
            token = http.post("/auth/o2/token", data={"grant_type": "refresh_token", **form}).json()["access_token"]
            http.headers["Authorization"] = f"Bearer {token}"
            assert len(http.get("/v2/endpoints?owner=~caller").json()["results"]) == 3
            path = f"/v2/units/{facts['organization_id']}"
            statuses = [http.get(path).status_code for _ in range(5)]
    assert statuses[:2] == [200, 200]
    assert 429 in statuses[2:]


async def test_effects_are_delayed(monkeypatch: pytest.MonkeyPatch) -> None:
    with simulating(monkeypatch, "--json", "--rooms", "1", "--effect-delay", "60") as (printed, _):
        facts = json.loads(printed.readline())
        login = {name: facts[name] for name in ("client_id", "client_secret", "refresh_token", "token_url")}
        async with SmartProperties(auth=LoginWithAmazon(**login), base_url=facts["base_url"]) as asp:
            unit_id = facts["organization_id"]
            await asp.skills.enable("amzn1.ask.skill.1", unit_id)
            assert (await asp.skills.get("amzn1.ask.skill.1", unit_id)).status == "ENABLING"


def test_a_port_that_is_taken(run: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = run("simulate", "--port", port)
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert line.startswith(f"alexa-props: cannot listen on 127.0.0.1:{port}: ")
    assert line.endswith(": choose another --port")


def test_it_serves_until_the_end_of_its_input(monkeypatch: pytest.MonkeyPatch) -> None:
    with simulating(monkeypatch, "--json", "--rooms", "1") as (printed, feeds):
        base_url = json.loads(printed.readline())["base_url"]
        for _ in range(2):
            os.write(feeds, b"input, and not its end\n")
            assert httpx.get(f"{base_url}/_simulator", timeout=30).is_success


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_signals_are_its_regular_end(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(
                functools.partial(simulate, **OPTIONS, as_json=True, as_environment=False, until_eof=False)
            )
            while "base_url" not in capsys.readouterr().out:  # noqa: ASYNC110 - it is printed
                await anyio.sleep(0.01)
            signal.raise_signal(number)


@pytest.mark.parametrize("refused_with", [None, errno.EINVAL], ids=["this system", "kqueue"])
@pytest.mark.parametrize("source", ["/dev/null", __file__, None])
async def test_it_ends_immediately_if_its_input_has_ended(
    source: str | None, refused_with: int | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def refuse(_: int) -> None:
        raise OSError(refused_with, "refused")

    if refused_with is not None:
        monkeypatch.setattr(anyio, "wait_readable", refuse)
    with open(source or os.devnull) as file, anyio.fail_after(10):  # noqa: ASYNC230, PTH123 - it is there
        # Python has None for an input that was closed at the start.
        monkeypatch.setattr(sys, "stdin", file if source else None)
        await simulate(**OPTIONS, as_json=True, as_environment=False, until_eof=True)
    facts = json.loads(capsys.readouterr().out)
    assert facts["base_url"].startswith("http://127.0.0.1:")
    assert facts["token_url"].startswith(facts["base_url"])
