"""`watch`: rows of changes without a terminal, a table on one, and readings that fail."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.cli.commands import Start, Terminal
from tests.cli.service import Service

EVERY = ("--every", "1")


@contextmanager
def watching(start: Start, service: Service, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = start("watch", *arguments, *EVERY, "--json", env=service.environment)
    try:
        yield process
    finally:
        process.kill()


def row_of(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    row: dict[str, Any] = json.loads(process.stdout.readline())
    return row


@pytest.mark.apart
def test_changes_are_rows(service: Service, start: Start) -> None:
    first, second = service.world["endpoints"][:2]
    service.script("offline", ids=[first])
    with watching(start, service, "--under", "Seaside 1") as process:
        row = row_of(process)
        assert (row["change"], row["device"], row["room"]) == ("offline", "Room 101 Echo 1", "Room 101")
        assert (row["path"], row["endpoint_id"]) == ("Seaside 1 / Floor 1", first)
        assert row["time"].endswith("+00:00")
        service.script("offline", ids=[second])
        row = row_of(process)
        assert (row["change"], row["endpoint_id"]) == ("offline", second)
        # A reading that fails is reported, and changes nothing.
        service.script("faults", operation="units.get", kind="status", status=403, times=1)
        assert process.stderr is not None
        assert process.stderr.readline().startswith("alexa-props: a reading failed: units.get(")
        service.script("offline", ids=[first], offline=False)
        row = row_of(process)
        assert (row["change"], row["endpoint_id"], row["reachability"]) == ("online", first, "OK")
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=20) == ("", "alexa-props: interrupted\n")
        assert process.returncode == 130


@pytest.mark.parametrize("arguments", [["--under", "Seeside"], ["--every", "0"]])
def test_unknown_units_and_short_intervals_end_the_command(
    service: Service, start: Start, arguments: list[str]
) -> None:
    process = start("watch", *arguments, env=service.environment)
    assert process.communicate(timeout=20)[0] == ""
    assert process.returncode == 2


@pytest.mark.apart
def test_a_terminal_shows_what_is_offline_and_marks_changes(
    service: Service, terminal: Callable[..., Terminal]
) -> None:
    first, second = service.world["endpoints"][:2]
    service.script("offline", ids=[first])
    started = terminal("watch", *EVERY, env={**service.environment, "COLUMNS": "80"})
    shown = started.read("Ctrl-C ends")
    assert "Organization: 1 of 24 device(s) offline" in shown
    assert "Room 101 Echo 1" in shown
    assert first in shown
    assert "new" not in shown.split("Organization:")[1]
    service.script("offline", ids=[second])
    shown = started.read("2 of 24 device(s) offline") + started.read("Ctrl-C ends")
    # A reading replaces the one before, so that a line may be there several times.
    assert any("new" in line and "Room 101 Echo 2" in line for line in shown.splitlines())
    service.script("offline", ids=[second], offline=False)
    started.read("online")
    service.script("faults", operation="units.get", kind="status", status=403, times=1)
    started.read("the last reading failed")
    started.write("\x03")
    rest = started.read()
    assert started.process.wait(20) == 130
    assert "Traceback" not in rest
    # The cursor is shown again.
    assert rest.rfind("\x1b[?25h") > rest.rfind("\x1b[?25l")
