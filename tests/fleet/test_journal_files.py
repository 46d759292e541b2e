"""The file of a journal: other files stay unchanged, one run at a time holds it, and a full disk ends the run."""

from __future__ import annotations

import itertools
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import anyio
import anyio.from_thread
import pytest

from alexa_props import errors, fleet
from alexa_props.fleet import FleetStopped
from tests.fleet.helpers import (
    ROOMS,
    Source,
    get,
    outcomes,
    room_of,
    rows,
    run_job,
    statuses,
)
from tests.helpers import Service, smart_properties

# Other files.


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file() and path.suffix != ".db-shm"}


def put(path: Path, content: bytes, mode: int = 0o644) -> None:
    path.write_bytes(content)
    path.chmod(mode)


DATABASE = """
import os, sqlite3
dbs = []
def create(path, wal, killed, mark, empty=False):
    db = sqlite3.connect(path, isolation_level=None)
    db.execute(f"PRAGMA journal_mode = {'WAL' if wal else 'DELETE'}")
    db.execute(f"PRAGMA application_id = {mark}")
    if not empty:
        db.execute("CREATE TABLE items (key TEXT)")
        db.execute("INSERT INTO items VALUES ('mine')")
    if not killed:
        db.close()
    elif not wal:
        # Written into the file before the commit: the next one who opens it has to roll back.
        db.execute("PRAGMA cache_size = 1")
        db.execute("BEGIN")
        db.executemany("INSERT INTO items VALUES (?)", [("x" * 900,)] * 50)
    dbs.append(db)
"""


def databases(*calls: str) -> None:
    """Create databases of another program, in a process that ends without closing all of them."""
    code = "\n".join([DATABASE, *calls, "os._exit(0)"])
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "COVERAGE_PROCESS_START": ""})


async def test_refuses_other_databases_unchanged(tmp_path: Path) -> None:
    cases = list(itertools.product([False, True], [False, True], [0, 77]))
    paths = [tmp_path / str(number) / "journal.db" for number in range(len(cases))]
    for path in paths:
        path.parent.mkdir()
    databases(*(f"create({str(path)!r}, {', '.join(map(str, case))})" for path, case in zip(paths, cases, strict=True)))
    for path, case in zip(paths, cases, strict=True):
        before = contents(path.parent)
        _, killed, _ = case
        assert len(before) == 1 + killed, case
        text = "is not a journal of alexa_props, but another SQLite database"
        with pytest.raises(errors.ConfigurationError, match=text):
            await outcomes(function_of_one, ["a"], journal=path)
        assert contents(path.parent) == before, case


async def test_refuses_other_files_unchanged(journal: Path) -> None:
    for content in (b"room,name\n1,two\n", b"x" * 5000, b"SQLite format 3\0" + b"\1" * 5000):
        put(journal, content)
        with pytest.raises(errors.ConfigurationError, match="is not a journal of alexa_props"):
            await outcomes(function_of_one, ["a"], journal=journal)
        assert contents(journal.parent) == {journal.name: content}


async def test_refuses_invalid_paths(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "missing" / "journal.db", tmp_path / "file" / "journal.db", "", "nul\0"):
        with pytest.raises(errors.ConfigurationError, match=r"^the journal .* cannot be opened: "):
            await outcomes(function_of_one, ["a"], journal=path)
    assert contents(tmp_path) == {"file": b""}


async def test_empty_file_becomes_a_journal(journal: Path) -> None:
    put(journal, b"")
    await run_job(journal, get, None, items=["a"])
    assert rows(journal) == {"a": ("done", 0)}


@pytest.mark.parametrize("name", [":memory:", "file::memory:?cache=shared", "file:x.db?mode=memory"])
async def test_special_names_of_sqlite_are_files(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert len(await outcomes(function_of_one, ["a"], journal=name)) == 1
    assert await outcomes(function_of_one, ["a"], journal=name) == []
    assert list(contents(tmp_path)) == [name]


async def function_of_one(item: str) -> None: ...


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everything")
@pytest.mark.parametrize("mode", [0o000, 0o444])
async def test_refuses_a_read_only_file(journal: Path, mode: int) -> None:
    await run_job(journal, get, None, items=["a"])
    put(journal, contents(journal.parent)[journal.name], mode)
    with pytest.raises(errors.ConfigurationError, match="cannot be opened"):
        await run_job(journal, get, None, items=["b"])


async def test_refuses_the_journal_of_another_release(journal: Path) -> None:
    await run_job(journal, get, None, items=["a"])
    with sqlite3.connect(journal) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    before = contents(journal.parent)
    with pytest.raises(errors.ConfigurationError, match="has format 99, and this release writes format 3: resume with"):
        await run_job(journal, get, None)
    assert contents(journal.parent) == before


async def test_resumes_after_a_kill_while_creating_the_journal(journal: Path) -> None:
    # Only the mark of a journal is certain to be in the file then.
    databases(f"create({str(journal)!r}, False, False, {0x414C5850}, empty=True)")
    assert contents(journal.parent)[journal.name]
    report, _ = await run_job(journal, get, None, items=["a"])
    assert len(report) == 1
    assert rows(journal) == {"a": ("done", 0)}


HELD = "is held by another run: wait until that run ends, or use another journal"


async def test_one_run_at_a_time_holds_a_journal(journal: Path) -> None:
    other = f"""
import anyio
import anyio.from_thread
from alexa_props import fleet
async def call(item): pass
try:
    anyio.run(lambda: fleet.collect(call, ["c"], journal={str(journal)!r}, job="a job"))
except Exception as error:
    print(error)
"""
    service = Service()
    async with fleet.run(get(smart_properties(service)), ["a", "b"], journal=journal, job="a job") as run:
        # POSIX locks are released when the process closes the file, even one that it opened only to read it.
        contents(journal.parent)
        # In this process, and in another one. The former must not release the lock for the latter.
        with pytest.raises(errors.ConfigurationError, match=HELD):
            await run_job(journal, get, None)
        done = await anyio.run_process([sys.executable, "-c", other], stderr=None)
        assert HELD in done.stdout.decode()
        with pytest.raises(errors.ConfigurationError, match=HELD):
            await run_job(journal, get, None)
        assert len([outcome async for outcome in run]) == 2
    report, _ = await run_job(journal, get, None, items=["a", "b", "c"])
    assert statuses(report) == {"c": "done"}


async def test_journal_in_use_by_another_program_is_refused_immediately(journal: Path) -> None:
    await run_job(journal, get, None, items=["a"])
    with sqlite3.connect(journal) as db:
        db.execute("SELECT * FROM items").fetchall()
        db.execute("BEGIN IMMEDIATE")
        with pytest.raises(errors.ConfigurationError, match=HELD):
            await run_job(journal, get, None)
    db.close()
    assert rows(journal) == {"a": ("done", 0)}


@pytest.mark.parametrize("leave", ["break", "exception", "cancelled", "end", "the items fail"])
async def test_journal_is_released_however_the_run_ends(journal: Path, leave: str) -> None:
    service = Service()
    source = Source(50, LookupError("no more") if leave == "the items fail" else None)
    for _ in range(3):
        with anyio.CancelScope() as scope:
            try:
                async with fleet.run(
                    get(smart_properties(service)), source.items(), journal=journal, job="a job"
                ) as run:
                    async for _outcome in run:
                        if leave == "break":
                            break
                        if leave == "exception":
                            raise LookupError(leave)
                        if leave == "cancelled":
                            scope.cancel()
            except LookupError:
                assert leave in ("exception", "the items fail")
    assert {status for status, _ in rows(journal).values()} <= {"done", "started"}
    assert [path.name for path in journal.parent.iterdir()] == [journal.name]


# A file that goes away.


def take_away(journal: Path, what: str) -> Path:
    """Remove a journal from its place. Return where it is then."""
    elsewhere = journal.with_name("elsewhere.db")
    match what:
        case "deleted":
            journal.unlink()
        case "without its log":
            journal.with_name("journal.db-wal").unlink()
            return journal
        case _:
            journal.rename(elsewhere)
    if what == "replaced":
        journal.write_bytes(elsewhere.read_bytes())
    return elsewhere


@pytest.mark.parametrize("what", ["deleted", "renamed", "replaced", "without its log"])
async def test_removed_journal_ends_the_run(journal: Path, what: str) -> None:
    places: list[Path] = []

    async def call(room: str) -> None:
        await get(asp)(room)
        if room == "room-2":
            places.append(take_away(journal, what))

    service = Service()
    asp = smart_properties(service)
    with pytest.raises(FleetStopped, match="was deleted, renamed or replaced while a run held it") as caught:
        await fleet.collect(call, ROOMS, journal=journal, job="a job", concurrency=1)
    assert isinstance(caught.value.__cause__, errors.JournalError)
    # Begun items are reported, and no more begin.
    assert statuses(caught.value.report) == dict.fromkeys(ROOMS[:3], "done")
    assert [room_of(seen) for seen in service.seen] == ROOMS[:3]
    if what == "deleted":
        assert contents(journal.parent) == {}
        return
    # The journal is complete, under whatever name.
    (found,) = places
    assert rows(found) == {"room-0": ("done", 0), "room-1": ("done", 0), "room-2": ("started", 0)}
    report, sent = await run_job(found, get, None)
    assert (sorted(sent), report.skipped) == (ROOMS[2:], 2)
