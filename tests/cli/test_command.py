"""The command as a user runs it: processes, exit codes, signals."""

from __future__ import annotations

import errno
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from alexa_props import AlexaForBusiness, LoginWithAmazon, SigV4, SmartProperties
from alexa_props.cli.simulate import simulate

COMMAND = [sys.executable, "-m", "alexa_props.cli"]


@contextmanager
def running(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


async def test_simulate_says_where_it_is_and_serves_all_three_services_until_sigterm() -> None:
    with running("simulate", "--port", "0", "--json") as process:
        facts = json.loads(first_line(process))
        assert set(facts) == {
            "base_url",
            "token_url",
            "client_id",
            "client_secret",
            "refresh_token",
            "aws_access_key_id",
            "aws_secret_access_key",
            "aws_region",
            "organization_id",
        }
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
        assert process.wait(10) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_simulate_for_people_says_how_to_end_it() -> None:
    with running("simulate", "--port", "0", "--rooms", "3", "--offline", "1", "--failing", "1") as process:
        lines = [first_line(process) for _ in range(11)]
        assert lines[0].startswith("base_url ")
        assert "Ctrl-C" in lines[10]
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0


def test_simulate_takes_quotas_and_the_scope_of_unassigned_endpoints() -> None:
    quota = ("--quota", "1", "--burst", "2", "--latency", "0.001")
    scope = ("--unassigned-endpoints", "3", "--caller-scope", "unassigned")
    with running("simulate", "--port", "0", "--json", *quota, *scope) as process:
        facts = json.loads(first_line(process))
        with httpx.Client(base_url=facts["base_url"]) as http:
            form = {name: facts[name] for name in ("client_id", "client_secret", "refresh_token")}
            token = http.post("/auth/o2/token", data={"grant_type": "refresh_token", **form}).json()["access_token"]
            http.headers["Authorization"] = f"Bearer {token}"
            assert len(http.get("/v2/endpoints?owner=~caller").json()["results"]) == 3
            path = f"/v2/units/{facts['organization_id']}"
            statuses = [http.get(path).status_code for _ in range(5)]
        assert statuses[:2] == [200, 200]
        assert 429 in statuses[2:]


def test_a_port_that_is_taken_is_said_in_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run([*COMMAND, "simulate", "--port", port], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"alexa-props: cannot listen on 127.0.0.1:{port}")
    assert "Traceback" not in done.stderr


def test_demo_does_the_job_and_its_figures_are_real() -> None:
    done = subprocess.run([*COMMAND, "demo", "--json", "--rooms", "30"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["rooms"] == 30
    assert figures["endpoints"] == 60
    # Three calls a room, and at least one page each of the walk, a search and a history; a retry is no further call.
    assert 3 * 30 + 3 <= figures["calls"] <= 3 * 30 + 10
    assert figures["failures"] == sum(figures["failures_by_code"].values()) == 12
    assert figures["failures_by_code"]["DEVICE_NOT_REACHABLE"] == 9
    assert figures["per_second"] == pytest.approx(figures["calls"] / figures["seconds"], rel=0.01)


def test_demo_without_a_terminal_is_a_plain_log_and_a_table() -> None:
    done = subprocess.run(
        [*COMMAND, "demo", "--rooms", "10"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert done.returncode == 0, done.stderr
    assert "Setting every room's station to IHR_JAZZ: 10 in " in done.stdout
    assert "\x1b" not in done.stdout
    assert "refused by the quota" in done.stdout


def test_demo_on_a_terminal_shows_progress() -> None:
    ours, theirs = os.openpty()
    with subprocess.Popen([*COMMAND, "demo", "--rooms", "10"], stdout=theirs, stderr=theirs, close_fds=True) as process:
        os.close(theirs)
        seen = b""
        try:
            while chunk := os.read(ours, 65536):
                seen += chunk
        except OSError:
            pass  # Linux's way of saying that the other end is closed
        finally:
            os.close(ours)
    assert process.returncode == 0, seen
    assert "━".encode() in seen


def test_simulate_serves_until_the_end_of_its_input_and_leaves_ignored_signals_alone() -> None:
    with subprocess.Popen(
        ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *COMMAND, "simulate", "--port=0", "--json", "--until-eof"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        facts = json.loads(first_line(process))
        assert process.stdin is not None
        process.send_signal(signal.SIGINT)
        for _ in range(2):
            process.stdin.write("input, and not its end\n")
            process.stdin.flush()
            assert httpx.get(f"{facts['base_url']}/_simulator", timeout=30).is_success
        process.stdin.close()
        assert process.wait(10) == 0


@pytest.mark.parametrize("refused_with", [None, errno.EINVAL], ids=["this system", "kqueue"])
@pytest.mark.parametrize("source", ["/dev/null", __file__, None])
async def test_simulate_ends_immediately_where_the_input_has_ended(
    source: str | None, refused_with: int | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def refuse(_: int) -> None:
        raise OSError(refused_with, "refused")

    if refused_with is not None:
        monkeypatch.setattr(anyio, "wait_readable", refuse)
    size: dict[str, Any] = {"rooms": 1, "endpoints_per_room": 1, "seed": 7, "unassigned_endpoints": 0}
    faults: dict[str, Any] = {"quota": None, "burst": None, "latency": 0.0, "offline": 0, "failing": 0}
    options: dict[str, Any] = {**size, **faults, "caller_scope": "all", "host": "0.0.0.0", "port": 0}
    with open(source or os.devnull) as file, anyio.fail_after(10):  # noqa: ASYNC230, PTH123 - it is there
        # None is what Python has for an input that was closed at the start.
        monkeypatch.setattr(sys, "stdin", file if source else None)
        await simulate(**options, as_json=True, until_eof=True)
    facts = json.loads(capsys.readouterr().out)
    assert facts["base_url"].startswith("http://127.0.0.1:")
    assert facts["token_url"].startswith(facts["base_url"])


def test_a_demo_that_is_killed_leaves_no_process() -> None:
    with running("demo") as process:
        assert process.stdout is not None
        while "Walked the tree" not in process.stdout.readline():
            pass
        (child,) = children_of(process.pid)
        ended = os.pidfd_open(child)
        process.kill()
        try:
            assert select.select([ended], [], [], 10)[0], "the simulator outlived the demo"
        finally:
            os.close(ended)


@pytest.mark.parametrize("command", ["demo", "simulate"])
def test_a_full_disk_is_said_in_one_line(command: str) -> None:
    options = ["--rooms", "2"] if command == "demo" else ["--port", "0"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, command, "--json", *options], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    assert done.stderr == "alexa-props: standard output cannot be written: No space left on device\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_demo_ends_on_a_signal_and_leaves_no_process(number: int) -> None:
    with running("demo") as process:
        assert "A simulated property" in first_line(process)
        assert process.stdout is not None
        assert "Walked the tree" in process.stdout.readline()
        children = children_of(process.pid)
        assert children
        process.send_signal(number)
        assert process.wait(15) == 128 + number
        assert not [pid for pid in children if alive(pid)]
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()


def children_of(pid: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if parent == pid:
                found.append(int(entry.name))
    return found


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("arguments", [["--help"], ["simulate", "--help"], ["demo", "--help"], ["--version"]])
def test_help_and_version(arguments: list[str]) -> None:
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stdout


@pytest.mark.parametrize("arguments", [["demo", "--rooms", "0"], ["simulate", "--port", "70000"], ["nonsense"]])
def test_bad_options_are_refused(arguments: list[str]) -> None:
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_the_simulator_without_its_extra_says_what_to_install() -> None:
    code = "import sys; sys.modules['starlette'] = None; import alexa_props.simulator"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert 'needs starlette: pip install "alexa-props[simulator]"' in done.stderr.replace(
        "starlette.types", "starlette"
    )


def test_demo_says_in_one_line_that_its_simulator_is_gone() -> None:
    with running("demo") as process:
        assert process.stdout is not None
        while "Walked the tree" not in process.stdout.readline():
            pass
        for child in children_of(process.pid):
            os.kill(child, signal.SIGKILL)
        assert process.wait(60) == 1
        assert process.stderr is not None
        (line,) = process.stderr.read().splitlines()
        assert line.startswith("alexa-props: ")


def test_without_the_extra_it_says_what_to_install() -> None:
    code = "import sys; sys.modules['typer'] = None; from alexa_props.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == 'alexa-props: typer is not installed: pip install "alexa-props[cli]"\n'
