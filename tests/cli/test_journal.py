"""`journal show`: what a journal records, also while a run uses it."""

from __future__ import annotations

import functools
import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from alexa_props import RetryPolicy, SmartProperties, fleet
from tests.cli.commands import Run, lines_of
from tests.cli.service import Service
from tests.postgres import QUOTED, Server, needs_postgres


def rows_of(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def journal(service: Service, tmp_path: Path) -> Path:
    """The journal of a run in which two devices of one room failed."""
    path = tmp_path / "reset.db"
    service.script("offline", ids=service.world["endpoints"][:2])

    async def run(asp: SmartProperties) -> None:
        reset = functools.partial(fleet.reset_room, asp, defaults=fleet.RoomDefaults())
        await fleet.collect(reset, service.world["rooms"], journal=path, job="reset")

    service.call(run)
    return path


RUN = """
import asyncio, os, sys
from alexa_props import SmartProperties, fleet

async def main():
    async with SmartProperties.from_env() as asp:
        rooms = sys.argv[2].split()
        await fleet.collect(asp.alerts.delete_alarms, rooms, journal=sys.argv[1], job="alarms", concurrency=2)

asyncio.run(main())
"""


@pytest.fixture
def running(service: Service, home: dict[str, str], tmp_path: Path) -> Iterator[tuple[Path, subprocess.Popen[str]]]:
    """A journal, and a process that runs a fleet with it, whose calls take a minute."""
    path = tmp_path / "alarms.db"
    service.script("latency", seconds=60, operation="alerts.delete_alarms")
    command = [sys.executable, "-c", RUN, str(path), " ".join(service.world["rooms"])]
    with subprocess.Popen(command, env={**home, **service.environment}, text=True) as process:
        while not path.exists():
            assert process.poll() is None
            time.sleep(0.05)
        yield path, process
        process.kill()


def test_rooms_have_names_if_the_cache_knows_them(run: Run, service: Service, journal: Path) -> None:
    before = journal.read_bytes()
    done = run("journal", "show", str(journal), "--json", env=service.environment)
    rows = rows_of(done.stdout)
    assert done.returncode == 0
    assert {row["unit_id"] for row in rows} == set(service.world["rooms"])
    assert {row["status"] for row in rows if row["unit_id"] != service.world["rooms"][0]} == {"done"}
    assert "1 run: 11 done, 1 failed" in done.stderr
    assert {row["room"] for row in rows} <= {None, *(f"Room {number}" for number in range(101, 113))}

    run("find", "Room", env=service.environment)
    service.script("reset")
    rows = rows_of(run("journal", "show", str(journal), "--json", env=service.environment).stdout)
    assert [row["room"] for row in rows if row["status"] == "done"] == [f"Room {number}" for number in range(102, 113)]
    failed = [row for row in rows if row["status"] == "failed"]
    assert {(row["room"], row["path"]) for row in failed} == {("Room 101", "Seaside 1 / Floor 1")}
    assert {row["device"] for row in failed} == {"Room 101 Echo 1", "Room 101 Echo 2"}
    assert "alarms" in {row["step"] for row in failed}
    # Nothing was sent, and nothing was changed.
    assert service.calls("units.list") == service.calls("units.get") == service.calls("token") == []
    assert journal.read_bytes() == before
    assert sorted(path.name for path in journal.parent.iterdir() if path.name.startswith("reset")) == sorted(
        path.name for path in journal.parent.glob("reset*")
    )


def test_a_table_has_a_row_per_device_that_failed(run: Run, screen: Run, service: Service, journal: Path) -> None:
    run("find", "Room", env=service.environment)
    lines = lines_of(screen("journal", "show", str(journal), env={**service.environment, "COLUMNS": "80"}))
    assert max(map(len, lines[:-1])) <= 80
    assert [line for line in lines if "amzn1" in line] == [f"  {service.world['rooms'][0]}"]
    assert len([line for line in lines if line.startswith("Room 101  Seaside 1")]) == 2


def test_a_device_is_unknown_if_one_of_its_steps_is(screen: Run, service: Service, tmp_path: Path) -> None:
    service.script("faults", operation="features.unpair_bluetooth", kind="status", status=400, times=None)
    service.script("faults", operation="endpoint_settings.set", kind="drop_after", times=None)

    async def run(asp: SmartProperties) -> None:
        once = asp.with_options(retry=RetryPolicy(max_attempts=1))
        reset = functools.partial(fleet.reset_room, once, defaults=fleet.RoomDefaults())
        await fleet.collect(reset, service.world["rooms"][:1], journal=tmp_path / "reset.db", job="reset")

    service.call(run)
    done = screen("journal", "show", str(tmp_path / "reset.db"), env=service.environment)
    rows = [line for line in lines_of(done) if "Bluetooth, do not disturb" in line]
    assert [" unknown " in row and " failed " not in row for row in rows] == [True, True]


def test_it_needs_no_login(run: Run, service: Service, journal: Path) -> None:
    done = run("journal", "show", str(journal))
    assert done.returncode == 0
    assert {line.split("\t")[9] for line in done.stdout.splitlines()} == set(service.world["rooms"])


def test_a_journal_in_use_is_read(run: Run, running: tuple[Path, subprocess.Popen[str]], service: Service) -> None:
    path, process = running
    while not (done := run("journal", "show", str(path), env=service.environment)).stdout:
        assert process.poll() is None
        time.sleep(0.05)
    assert done.returncode == 0
    assert "started; a run uses it, or was interrupted" in done.stderr
    assert {line.split("\t")[4] for line in done.stdout.splitlines()} == {"started"}
    assert process.poll() is None

    process.kill()
    process.wait()
    done = run("journal", "show", str(path), env=service.environment)
    assert "started; a run uses it, or was interrupted" in done.stderr
    Path(f"{path}-wal").unlink()
    done = run("journal", "show", str(path), env=service.environment)
    assert (done.returncode, done.stdout) == (1, "")
    assert "alarms.db-wal" in done.stderr


@needs_postgres
def test_a_journal_in_postgres_is_used_and_shown(run: Run, service: Service, postgres: Server) -> None:
    url = postgres.url(name="alarms")
    service.script("offline", ids=service.world["endpoints"][:1])
    arguments = ("fleet", "run", "alarms", "--from", "-", "--yes", "--journal", url)
    text = "\n".join(service.world["rooms"][:2])
    before = run(*arguments, "--dry-run", text=text, env=service.environment)
    runs = [run(*arguments, text=text, env=service.environment) for _ in range(2)]
    again = run(*arguments, "--dry-run", text=text, env=service.environment)
    assert [done.returncode for done in (before, *runs, again)] == [0, 3, 3, 0]
    assert len(service.calls("alerts.delete_alarms")) == 2
    assert "#alarms (2 more rooms are done or failed)" in again.stderr
    done = run("journal", "show", url, "--json", env=service.environment)
    assert sorted(str(row["status"]) for row in rows_of(done.stdout)) == ["done", "failed"]
    assert f"postgresql://127.0.0.1:{postgres.port}/postgres#alarms: job 'alarms', 2 runs: 1 done" in done.stderr
    missing = run("journal", "show", url.replace("#alarms", "#alarm"), env=service.environment)
    assert (missing.returncode, missing.stdout) == (1, "")
    assert re.search("there is no journal .*#alarms", missing.stderr)
    for each in (before, *runs, again, done, missing):
        assert QUOTED not in each.stdout + each.stderr


def test_a_file_without_a_journal_is_named(run: Run, journal: Path, tmp_path: Path) -> None:
    text, other, empty, changed = (tmp_path / name for name in ("text", "other.db", "empty", "changed.db"))
    text.write_text("hotel,room\n" * 400)
    empty.touch()
    with sqlite3.connect(other) as db:
        db.execute("CREATE TABLE things (name TEXT)")
    db.close()
    changed.write_bytes(journal.read_bytes())
    with sqlite3.connect(changed) as db:
        db.execute("UPDATE items SET status = 'done' WHERE status = 'failed'")
    db.close()
    words = {
        text: "is not a journal of alexa_props",
        other: "but another SQLite database",
        empty: "is empty",
        changed: "is damaged",
        tmp_path / "missing": "there is no journal",
        tmp_path: "there is no journal",
    }
    for path, expected in words.items():
        done = run("journal", "show", str(path))
        assert (done.returncode, done.stdout) == (1, "")
        [line] = done.stderr.splitlines()
        assert expected in line
        assert os.fspath(path) in line
