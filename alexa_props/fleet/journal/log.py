"""A journal's file and write-ahead log before SQLite opens them: whose they are, and whether they belong together."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import struct
from pathlib import Path
from typing import Final

from alexa_props.errors import ConfigurationError, JournalError
from alexa_props.fleet.journal.format import APPLICATION, FOREIGN, FORMAT

__all__ = ["check_log", "read_salt", "require_journal"]

_HEADER_SIZE: Final = 100
_LOG_HEADER: Final = struct.Struct(">8I")
"""https://www.sqlite.org/fileformat2.html#the_write_ahead_log: magic number, version, page size, checkpoint sequence,
two salts, two checksums."""
_FRAME_HEADER_SIZE: Final = 24
_MAGIC: Final = {0x377F0682: "<6I", 0x377F0683: ">6I"}
"""Magic numbers, and the words that the checksums cover in their byte order."""
_MOST_RESTARTS: Final = 2**20
"""The first salt grows by one each time the log restarts; that of another log is random."""


def require_journal(file: Path, path: str) -> None:
    """Refuse a file that is not a journal, without changing it or what another program has left beside it.

    Raises:
        ConfigurationError: It is another database.
        sqlite3.DatabaseError: It is not a database.

    """
    try:
        with _main_file(file) as db:
            application = db.execute("PRAGMA application_id").fetchone()[0]
    except sqlite3.DatabaseError:
        # A run may have been killed while the log was copied into the first pages of the file.
        with file.open("rb") as stream:
            header = stream.read(_HEADER_SIZE)
        application = int.from_bytes(header[68:72])
        if application != APPLICATION:
            raise
    if application != APPLICATION:
        raise ConfigurationError(FOREIGN.format(path))


def check_log(file: Path, log: Path, path: str) -> None:
    """Check that the write-ahead log is the one that the main file needs. Remove one that it does not need.

    Raises:
        JournalError: The log is missing, empty or damaged, or belongs to another run.

    """
    salt: int | None = None
    try:
        with _main_file(file) as db:
            if db.execute("PRAGMA user_version").fetchone()[0] not in (0, FORMAT):
                return
            created = db.execute("SELECT 1 FROM sqlite_master WHERE name = 'job'").fetchone()
            marked, salt = db.execute("SELECT open, salt FROM job").fetchone() or (0, None) if created else (0, None)
    except (sqlite3.DatabaseError, TypeError, ValueError):
        # Killed while the log was copied; or damaged, which is found once it is open.
        marked = True
    if not marked:
        if not Path(f"{file}-shm").exists():
            # No other program uses the log, and the file is complete without it.
            log.unlink(missing_ok=True)
        return
    try:
        found = read_salt(log)
    except FileNotFoundError:
        problem = "is missing"
    except ValueError as error:
        problem = str(error)
    else:
        if not isinstance(salt, int) or (found - salt) % 2**32 <= _MOST_RESTARTS:
            return
        problem = "belongs to another run"
    raise JournalError(
        f"the journal {path!r} cannot be resumed: a run was interrupted, and {log.name!r}, which holds its latest "
        f"records, {problem}: put that file back beside the journal, or check what was done and use another file"
    )


def read_salt(log: Path) -> int:
    """Return the first salt of a write-ahead log.

    Raises:
        ValueError: SQLite would treat the log as empty.
        OSError: It cannot be read.

    """
    with log.open("rb") as stream:
        header = stream.read(_LOG_HEADER.size)
        if os.fstat(stream.fileno()).st_size <= _LOG_HEADER.size + _FRAME_HEADER_SIZE:
            raise ValueError("is empty")
    magic, _, _, _, salt, _, *sums = _LOG_HEADER.unpack(header)
    first = second = 0
    words = iter(struct.unpack_from(_MAGIC.get(magic, ">6I"), header))
    for one, other in zip(words, words, strict=True):
        first = (first + one + second) % 2**32
        second = (second + other + first) % 2**32
    if magic not in _MAGIC or sums != [first, second]:
        raise ValueError("is damaged")
    return int(salt)


def _main_file(file: Path) -> contextlib.closing[sqlite3.Connection]:
    """Open the main file without its log."""
    # Through SQLite: if this process holds the journal, closing a file object of ours would release SQLite's locks.
    return contextlib.closing(sqlite3.connect(f"{file.as_uri()}?immutable=1", uri=True))
