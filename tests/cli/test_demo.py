"""`alexa-props demo`: its figures, what it prints, and that no simulator outlives it."""

from __future__ import annotations

import json
import os
import re
import select
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, redirect_stdout
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

from alexa_props.cli import demo
from alexa_props.cli.app import app
from tests.cli.commands import Run, Start, closed_pipe
from tests.cli.service import Service


@pytest.fixture
def on_service(service: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    """Lets the demo use the simulator of the tests instead of a child process."""

    @asynccontextmanager
    async def simulator(**_: Any) -> AsyncIterator[dict[str, str]]:
        yield {**service.facts, "refresh_token": service.world["refresh_token"]}

    monkeypatch.setattr(demo, "_simulator", simulator)
    return service


def walked(start: Start) -> Popen[str]:
    """A demo that is at work, and its simulator with it."""
    process = start("demo")
    assert process.stdout is not None
    while "Walked the tree" not in process.stdout.readline():
        assert process.poll() is None
    return process


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


def test_its_figures_are_real(start: Start) -> None:
    process = start("demo", "--json", "--rooms", "12", "--quota", "400")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    figures = json.loads(out.splitlines()[-1])
    assert (figures["rooms"], figures["endpoints"]) == (12, 24)
    # Three calls per room, and at least one page each of the walk, a search and the events; a retry is not a call.
    assert 3 * 12 + 3 <= figures["calls"] <= 3 * 12 + 10
    assert figures["failures"] == sum(figures["failures_by_code"].values()) == 12
    assert figures["failures_by_code"]["DEVICE_NOT_REACHABLE"] == 9
    assert figures["per_second"] == pytest.approx(figures["calls"] / figures["seconds"], rel=0.02)


def test_without_a_terminal_it_prints_a_log_and_a_table(run: Run, on_service: Service) -> None:
    gone = on_service.world["endpoints"][0]
    on_service.script("offline", ids=[gone])
    done = run("demo", charset="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Setting every room's station to IHR_JAZZ: 12 in " in done.stdout
    lines = done.stdout.splitlines()
    assert "  failed: Room 101, Seaside 1 / Floor 1, Room 101 Echo 1: DEVICE_NOT_REACHABLE" in lines
    # In the table the id is whole, last, and not broken into lines.
    row = rf"^Room 101 +Seaside 1 / Floor .*Room 101 Echo 1 +DEVICE_NOT_REACHABLE\s+{gone}$"
    assert re.search(row, done.stdout, re.MULTILINE)
    assert "..." not in done.stdout
    assert "refused by the quota" in done.stdout
    assert "\x1b" not in done.stdout
    assert "refresh" not in done.stdout


def test_on_a_terminal_it_shows_progress(screen: Run, on_service: Service) -> None:
    done = screen("demo")
    assert done.returncode == 0
    assert "━" in done.stdout
    assert "12/12" in done.stdout


def test_a_closed_pipe_ends_it_quietly(on_service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    with closed_pipe() as stdout, redirect_stdout(stdout), pytest.raises(SystemExit) as exited:
        app(["demo"])
    assert (exited.value.code, capsys.readouterr().err) == (141, "")
    assert on_service.http.get("/_simulator/calls").json()["calls"] == []


def test_a_simulator_that_is_gone_is_reported_in_one_line(
    run: Run, on_service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("random.uniform", lambda low, _: low)
    on_service.script("faults", operation="alerts.delete_alarms", kind="drop_after", times=None)
    done = run("demo", "--json")
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert line.startswith("alexa-props: alerts.delete_alarms(")
    # The first room ends it: no others are tried, but those in flight.
    assert len({call["unit_id"] for call in on_service.calls("alerts.delete_alarms")}) < 12


def test_sigterm_ends_it_and_its_simulator(start: Start) -> None:
    process = walked(start)
    [child] = children_of(process.pid)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=15)
    assert process.returncode == 128 + signal.SIGTERM
    assert err == "alexa-props: interrupted\n"
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


@pytest.mark.apart
def test_killed_it_leaves_no_simulator(start: Start) -> None:
    process = walked(start)
    [child] = children_of(process.pid)
    ended = os.pidfd_open(child)
    process.kill()
    try:
        assert select.select([ended], [], [], 10)[0], "the simulator outlived the demo"
    finally:
        os.close(ended)
