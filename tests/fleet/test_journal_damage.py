"""A journal of which a part is missing, foreign or changed is refused, and whatever a killed run leaves is not."""

from __future__ import annotations

import functools
import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from alexa_props import errors, fleet
from alexa_props.fleet.journal_file import record_sum
from tests.fleet.helpers import MADE, ROOMS, again, create, get, outcomes, rows, statuses, taken
from tests.helpers import Service, answer, smart_properties


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def copy(journal: Path, folder: Path) -> Path:
    """What a process leaves that is killed at this moment."""
    folder.mkdir()
    for path in journal.parent.glob(f"{journal.name}*"):
        if path.is_file():
            shutil.copy(path, folder / path.name)
    return folder / journal.name


async def killed(journal: Path, folder: Path, *, items: list[str]) -> Path:
    """The journal of a run that was killed while the last item was being made."""
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


async def test_a_run_that_was_killed_resumes(journal: Path, tmp_path: Path) -> None:
    left = await killed(journal, tmp_path / "left", items=["a", "b"])
    report, sent = await again(left, create, MADE, items=["a", "b", "c"])
    assert (statuses(report), report.skipped, sent) == ({"b": "unknown", "c": "done"}, 1, ["c"])


PROBLEMS = {
    "missing": "is missing",
    "empty": "is empty",
    "header only": "is empty",
    "damaged": "is damaged",
    "salt": "is damaged",
    "of another run": "belongs to another run",
}


@pytest.mark.parametrize(("problem", "text"), PROBLEMS.items())
@pytest.mark.parametrize("resumed", [False, True])
async def test_a_killed_run_whose_log_is_lost_is_refused(
    journal: Path, tmp_path: Path, problem: str, text: str, resumed: bool
) -> None:
    if resumed:
        await again(journal, create, MADE, items=["a"])
    left = await killed(journal, tmp_path / "left", items=["a", "b"] if not resumed else ["b", "c"])
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
            other = await killed(tmp_path / "other.db", tmp_path / "other", items=["a", "b"])
            shutil.copy(log_of(other), log)
    before = content_of(left)
    for _ in range(2):
        with pytest.raises(errors.JournalError, match=rf"'journal.db-wal', which holds its latest records, {text}"):
            await again(left, create, MADE, items=["a", "b", "c"])
    assert content_of(left) == before


async def test_the_log_of_another_run_beside_a_complete_journal_is_not_read(journal: Path, tmp_path: Path) -> None:
    left = await killed(tmp_path / "other.db", tmp_path / "left", items=["x", "y"])
    await again(journal, get, None, items=["a"])
    shutil.copy(log_of(left), log_of(journal))
    report, sent = await again(journal, get, None, items=["a", "x"])
    assert (report.skipped, sent) == (1, ["x"])
    assert rows(journal) == {"a": ("done", 0), "x": ("done", 0)}


async def test_killed_between_any_two_statements_it_resumes(
    journal: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: set[str] = set()
    left: dict[tuple[bytes, ...], tuple[Path, set[str]]] = {}

    def look() -> None:
        if not journal.exists():
            return
        content = tuple(path.read_bytes() for path in (journal, log_of(journal)) if path.exists())
        if content not in left:
            left[content] = (copy(journal, tmp_path / str(len(left))), set(told))

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
                told.add(outcome.key)
    monkeypatch.undo()
    # Not even the last one has been looked at by SQLite since.
    assert len(left) > 10
    for path, done in left.values():
        report, sent = await again(path, get, None, items=["a", "b"])
        assert done.isdisjoint(sent)
        assert len(sent) + report.skipped == 2


async def test_a_disk_that_fails_while_the_run_ends_leaves_a_journal_that_resumes(
    journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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
    await again(journal, get, None, items=["a"])
    monkeypatch.undo()
    report, sent = await again(journal, get, None, items=["a", "b"])
    assert (report.skipped, sent) == (1, ["b"])


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
    "failure with too much": {**STORY, "failures": [["failed", *"abcdefg"]]},
    "failure of another kind": {**STORY, "failures": [["failed", 7, []]]},
    "failure with another status": {**STORY, "failures": [["gone", "X", "said"]]},
}


def write(journal: Path, status: Any, story: Any) -> None:
    """Change the record of the item, as somebody does by hand who knows the checksum too."""
    text = json.dumps(story) if isinstance(story, dict) else story
    with sqlite3.connect(journal) as db:
        values = (text, status, record_sum(("a", 1, status, 0, 1, text)))
        db.execute("UPDATE items SET story = ?, status = ?, sum = ?", values)
    db.close()


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
async def test_a_record_that_says_something_else_ends_the_run(journal: Path, story: Any) -> None:
    await again(journal, get, answer(400), items=["a"])
    write(journal, "failed", story)
    async with fleet.run(get(smart_properties(Service())), ["a"], journal=journal, job="a job") as run:
        found, error = await taken(run)
    assert (found, type(error)) == ([], errors.JournalError)
    assert "the record of 'a' is damaged" in str(error)


async def test_a_record_that_was_changed_is_refused(journal: Path) -> None:
    await again(journal, get, None, items=ROOMS)
    for change in ("key = 'room-9' WHERE key = 'room-1'", "status = 'failed'", "run = 2", "story = 'x'"):
        with sqlite3.connect(journal) as db:
            db.execute(f"UPDATE items SET {change}")
        db.close()
        before = content_of(journal)
        with pytest.raises(errors.JournalError, match=r"is damaged: the record of 'room-\d' is not as it was written"):
            await again(journal, get, None)
        assert content_of(journal) == before
