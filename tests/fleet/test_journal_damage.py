"""Journals that are incomplete, foreign or changed are refused. What a killed run leaves is not."""

from __future__ import annotations

import functools
import gc
import itertools
import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import attrs
import pytest

from alexa_props import errors, fleet
from alexa_props.fleet.journal.file import JournalFile
from alexa_props.fleet.journal.format import record_sum
from tests.fleet.helpers import MADE, ROOMS, create, drain, echo, get, outcomes, rows, run_job, statuses
from tests.helpers import Service, answer, smart_properties


def copy(journal: Path, folder: Path) -> Path:
    """Copy what a process would leave if it were killed now."""
    folder.mkdir()
    for path in journal.parent.glob(f"{journal.name}*"):
        if path.is_file():
            shutil.copy(path, folder / path.name)
    return folder / journal.name


async def killed(journal: Path, folder: Path, *, items: list[str]) -> Path:
    """Return the journal of a run that was killed during its last item."""
    copies: list[Path] = []

    async def call(room: str) -> None:
        await create(asp)(room)
        if room == items[-1]:
            copies.append(copy(journal, folder))

    asp = smart_properties(Service(MADE))
    await outcomes(call, items, journal=journal, job="a job", concurrency=1)
    return copies[0]


def content_of(path: Path) -> bytes:
    return path.read_bytes()


def log_of(journal: Path) -> Path:
    return journal.with_name(f"{journal.name}-wal")


def scratch(journal: Path, at: int) -> None:
    content = bytearray(log_of(journal).read_bytes())
    content[at] ^= 0x10
    log_of(journal).write_bytes(content)


# The write-ahead log.


async def test_killed_run_resumes(journal: Path, tmp_path: Path) -> None:
    left = await killed(journal, tmp_path / "left", items=["a", "b"])
    report, sent = await run_job(left, create, MADE, items=["a", "b", "c"])
    assert (statuses(report), report.skipped, sent) == ({"b": "unknown", "c": "done"}, 1, ["c"])


PROBLEMS = {
    "missing": "is missing",
    "empty": "is empty",
    "header only": "is empty",
    "damaged": "is damaged",
    "salt": "is damaged",
    "of another run": "belongs to another run",
}


def lose_log(left: Path, problem: str, other: Path) -> None:
    log = log_of(left)
    match problem:
        case "missing":
            log.unlink()
        case "empty":
            log.write_bytes(b"")
        case "header only":
            log.write_bytes(log.read_bytes()[:32])
        case "damaged":
            scratch(left, 2)
        case "salt":
            scratch(left, 16)
        case _:
            shutil.copy(log_of(other), log)


@pytest.mark.parametrize("resumed", [False, True])
async def test_refuses_a_killed_run_without_its_log(journal: Path, tmp_path: Path, resumed: bool) -> None:
    other = await killed(tmp_path / "other.db", tmp_path / "other", items=["a", "b"])
    if resumed:
        await run_job(journal, create, MADE, items=["a"])
    left = await killed(journal, tmp_path / "left", items=["a", "b"] if not resumed else ["b", "c"])
    for problem, text in PROBLEMS.items():
        damaged = copy(left, tmp_path / problem)
        lose_log(damaged, problem, other)
        await check_refused(damaged, text)


async def check_refused(left: Path, text: str) -> None:
    before = content_of(left)
    for _ in range(2):
        with pytest.raises(errors.JournalError, match=rf"'journal.db-wal', which holds its latest records, {text}"):
            await run_job(left, create, MADE, items=["a", "b", "c"])
    assert content_of(left) == before


async def test_ignores_a_foreign_log_beside_a_complete_journal(journal: Path, tmp_path: Path) -> None:
    left = await killed(tmp_path / "other.db", tmp_path / "left", items=["x", "y"])
    await run_job(journal, get, None, items=["a"])
    shutil.copy(log_of(left), log_of(journal))
    report, sent = await run_job(journal, get, None, items=["a", "x"])
    assert (report.skipped, sent) == (1, ["x"])
    assert rows(journal) == {"a": ("done", 0), "x": ("done", 0)}


PAGE = 4096


@attrs.frozen
class Left:
    """What a killed run leaves: the file, its log, and the number of outcomes that it had reported."""

    main: bytes
    log: bytes | None
    reported: int

    def put(self, journal: Path) -> None:
        journal.parent.mkdir()
        journal.write_bytes(self.main)
        if self.log is not None:
            log_of(journal).write_bytes(self.log)

    def before(self, later: Left) -> list[Left]:
        """Return what is left if the process is killed while the log is copied into the file, page by page."""
        if later.log is None or len(later.main) < PAGE:
            return []
        ends = range(PAGE, len(later.main), PAGE)
        return [Left(later.main[:end] + self.main[end:], later.log, self.reported) for end in ends]


async def test_run_killed_at_any_moment_resumes(journal: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reported: list[str] = []
    moments: list[Left] = []

    def look() -> None:
        if journal.exists():
            log = log_of(journal)
            moments.append(Left(content_of(journal), content_of(log) if log.exists() else None, len(reported)))

    class Watched(sqlite3.Connection):
        def execute(self, *arguments: Any) -> sqlite3.Cursor:
            cursor = super().execute(*arguments)
            look()
            return cursor

        def close(self) -> None:
            super().close()
            look()

    monkeypatch.setattr(sqlite3, "connect", functools.partial(sqlite3.connect, factory=Watched))
    asp = smart_properties(Service())
    for items in (["a"], ["a", "b"]):
        async with fleet.run(get(asp), items, journal=journal, job="a job") as run:
            async for outcome in run:
                reported.append(outcome.key)  # noqa: PERF401 - it is read meanwhile
    monkeypatch.undo()
    copied = [
        left for one, other in itertools.pairwise(moments) if one.main != other.main for left in one.before(other)
    ]
    assert len(copied) > 3
    for number, left in enumerate(dict.fromkeys([*moments, *copied])):
        path = tmp_path / str(number) / "journal.db"
        left.put(path)
        report, sent = await run_job(path, get, None, items=["a", "b"])
        assert set(reported[: left.reported]).isdisjoint(sent)
        assert len(sent) + report.skipped == 2


async def test_resumes_after_a_disk_error_at_the_end(journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(sqlite3.Connection):
        def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
            if sql.endswith("open = 0"):
                raise sqlite3.OperationalError("disk I/O error")
            return super().execute(sql, *parameters)

    connect, broken = sqlite3.connect, [Broken]

    def the_first_breaks(*arguments: Any, **options: Any) -> sqlite3.Connection:
        if not options.get("uri") and broken:
            options["factory"] = broken.pop()
        db: sqlite3.Connection = connect(*arguments, **options)
        return db

    monkeypatch.setattr(sqlite3, "connect", the_first_breaks)
    await run_job(journal, get, None, items=["a"])
    monkeypatch.undo()
    report, sent = await run_job(journal, get, None, items=["a", "b"])
    assert (report.skipped, sent) == (1, ["b"])


async def test_killed_run_resumes_after_another_job_was_refused(journal: Path, tmp_path: Path) -> None:
    left = await killed(journal, tmp_path / "killed", items=["a", "b"])
    with pytest.raises(errors.ConfigurationError, match="belongs to the job 'a job'"):
        await outcomes(echo, ["c"], journal=left, job="another job")
    report, sent = await run_job(left, get, None, items=["a", "c"])
    assert (report.skipped, sent) == (1, ["c"])


async def test_resumes_after_a_full_disk_while_opening(journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    countdown = 0

    class Full(sqlite3.Connection):
        def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
            nonlocal countdown
            countdown -= 1
            if countdown == 0:
                raise sqlite3.OperationalError("database or disk is full")
            return super().execute(sql, *parameters)

    await run_job(journal, get, None, items=["a"])
    refused = 0
    for number in itertools.count(1):
        with monkeypatch.context() as patched:
            patched.setattr(sqlite3, "connect", functools.partial(sqlite3.connect, factory=Full))
            countdown = number
            try:
                JournalFile.open(str(journal), "a job").close()
            except errors.AlexaError:
                refused += 1
        report, sent = await run_job(journal, get, items=["a"])
        assert (report.skipped, sent) == (1, []), number
        if countdown > 0:
            break
    assert refused > 10
    assert not list(journal.parent.glob("*-*"))


async def test_unclosed_journal_is_complete(journal: Path) -> None:
    await run_job(journal, get, None, items=["a"])
    opened = JournalFile.open(str(journal), "a job")  # as by a thread that outlives its event loop
    del opened
    gc.collect()
    report, sent = await run_job(journal, get, items=["a"])
    assert (report.skipped, sent) == (1, [])


# Records.


STORY = {"status": "failed", "attempts": 1, "elapsed": 0.5, "message": "said", "failures": [["failed", "X", "said"]]}
STORIES: dict[str, Any] = {
    "no JSON": "{",
    "deep": "[" * 200_000,
    "number": "7",
    "nothing": None,
    "bytes": b"{}",
    "no failures": {**STORY, "failures": None},
    "another member": {**STORY, "more": 1},
    "another status": {**STORY, "status": "unknown"},
    "no message": {**STORY, "message": None},
    "no number": {**STORY, "elapsed": "1"},
    "not finite": {**STORY, "elapsed": float("inf")},
    "failure with too little": {**STORY, "failures": [["failed"]]},
    "failure with too much": {**STORY, "failures": [["failed", *"abcdefgh"]]},
    "failure of another kind": {**STORY, "failures": [["failed", 7, []]]},
    "failure with another status": {**STORY, "failures": [["gone", "X", "said"]]},
}


def write(journal: Path, status: Any, story: Any) -> None:
    """Change the record of the item by hand, with a valid checksum."""
    text = json.dumps(story) if isinstance(story, dict) else story
    with sqlite3.connect(journal) as db:
        values = (text, status, record_sum(("a", 1, status, 0, 1, text)))
        db.execute("UPDATE items SET story = ?, status = ?, sum = ?", values)
    db.close()


async def test_invalid_record_ends_the_run(journal: Path) -> None:
    await run_job(journal, get, answer(400), items=["a"])
    for name, story in STORIES.items():
        write(journal, "failed", story)
        async with fleet.run(get(smart_properties(Service())), ["a"], journal=journal, job="a job") as run:
            found, error = await drain(run)
        assert (found, type(error)) == ([], errors.JournalError), name
        assert "the record of 'a' is damaged" in str(error), name


async def test_refuses_a_changed_record(journal: Path) -> None:
    await run_job(journal, get, None, items=ROOMS)
    for change in ("key = 'room-9' WHERE key = 'room-1'", "status = 'failed'", "run = 2", "story = 'x'"):
        with sqlite3.connect(journal) as db:
            db.execute(f"UPDATE items SET {change}")
        db.close()
        before = content_of(journal)
        with pytest.raises(errors.JournalError, match=r"is damaged: the record of 'room-\d' was changed"):
            await run_job(journal, get, None)
        assert content_of(journal) == before


async def test_refuses_a_journal_with_a_missing_record(journal: Path) -> None:
    await run_job(journal, get, None, items=ROOMS)
    content = bytearray(content_of(journal))
    (page,) = [at for at in range(PAGE, len(content), PAGE) if content[at] == 0x0A]  # a leaf of keys
    assert content[page + 4] == len(ROOMS)
    content[page + 4] -= 1
    Left(bytes(content), None, 0).put(journal.parent / "damaged" / journal.name)
    with pytest.raises(errors.JournalError, match="is damaged"):
        await run_job(journal.parent / "damaged" / journal.name, get, None)
