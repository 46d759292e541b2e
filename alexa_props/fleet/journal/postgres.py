"""A journal in PostgreSQL: held by one run at a time by a lock of its connection.

The server releases the lock when the connection ends, however it ends. All records go through that connection, which is
never replaced: a run that has lost its lock cannot write.
"""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Self

import attrs
import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from alexa_props.errors import ConfigurationError
from alexa_props.fleet.journal.changes import Row, Rows, apply
from alexa_props.fleet.journal.content import JournalContent, record_of
from alexa_props.fleet.journal.postgres_tables import (
    CREATION_LOCK,
    FORMAT,
    TABLES,
    digest,
    lock_of,
    read_text,
    rights_to_read,
    statements_for,
    stored_text,
)
from alexa_props.fleet.journal.postgres_url import PostgresUrl
from alexa_props.fleet.journal.store import HeldError, LostError, WriteError, another_format, another_job
from alexa_props.redaction import sanitize

__all__ = ["PostgresStore", "read"]

_DEFAULTS: Final = {
    "connect_timeout": "10",
    "fallback_application_name": "alexa_props",
    # A server that has gone is noticed within a minute.
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}
"""Options of a connection, unless the URL has others."""
_SETTINGS: Final = {
    # A client that has gone is noticed within a minute too: its lock is released.
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "60000",
    # A run may wait for long.
    "idle_session_timeout": "0",
    "default_transaction_isolation": "read committed",
    # The plan of a prepared statement outlives the small table that it was made for.
    "enable_seqscan": "off",
}
"""Settings of the session. Older servers lack some."""
_SETTLE: Final = """
    SELECT set_config(name, value, false) FROM unnest(%s::text[], %s::text[]) AS wanted (name, value)
    JOIN pg_settings USING (name)
    UNION ALL SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'
"""
"""A record is on the disk before anything is sent, whatever the database's default is."""
_LOAD: Final = """
    SELECT key, run, status, unsafe_sent, handled, story FROM alexa_props.items
    WHERE journal = %s AND digest = ANY(%s::bytea[])
"""
_SAVE: Final = """
    INSERT INTO alexa_props.items (journal, digest, key, run, status, unsafe_sent, handled, story)
    SELECT %s, * FROM
        unnest(%s::bytea[], %s::text[], %s::integer[], %s::text[], %s::boolean[], %s::boolean[], %s::text[])
    ON CONFLICT (journal, digest) DO UPDATE SET run = excluded.run, status = excluded.status,
        unsafe_sent = excluded.unsafe_sent, handled = excluded.handled, story = excluded.story
"""
_INSTEAD: Final = "use another name (…#name)"
_MOST_NAMES: Final = 10
"""Names of journals in a message."""


@attrs.define(eq=False)
class PostgresStore:
    """A journal that is open and held. `PostgresStore.open` returns it."""

    name: str
    run: int
    _journal: int
    _connection: psycopg.Connection
    lock: threading.Lock = attrs.field(factory=threading.Lock)
    close: Callable[[], object] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        # An event loop that is abandoned or shuts down does not close it.
        self.close = weakref.finalize(self, _close, os.getpid(), self._connection, self._journal, self.lock)

    @classmethod
    def open(cls, url: PostgresUrl, job: str) -> Self:
        """Open a journal, or create it, for a new run of the job: see `Place`."""
        with contextlib.ExitStack() as undo:
            connection = _connect(url)
            undo.callback(connection.close)
            with _refusing(url, connection, statements_for):
                _take_lock(connection, url)
                _create_tables(connection)
                journal, run = _begin_run(connection, url, job)
            undo.pop_all()
            return cls(url.name, run, journal, connection)

    def transact(self, keys: Sequence[str], change: Callable[[Rows], None]) -> None:
        """Change records: see `Store`.

        Without BEGIN and COMMIT: nobody else writes these records, and they are written by one statement.
        """
        try:
            found = self._connection.execute(_LOAD, (self._journal, [digest(key) for key in keys]), prepare=True)
            self._save(apply(change, {row.key: row for row in map(_row, found)}))
        except psycopg.Error as error:
            # At a shutdown of the server, the error may arrive before the connection ends.
            if self._connection.closed or (error.sqlstate or "").startswith("57P"):
                raise LostError(
                    f"the connection of the journal {self.name!r} was lost: {sanitize(str(error))}; another run may "
                    "hold it now, and this run ends: run the job again to resume"
                ) from None
            raise WriteError(str(error)) from None

    def _save(self, rows: Sequence[Row]) -> None:
        if rows:
            values = zip(*map(_values, rows), strict=True)
            self._connection.execute(_SAVE, (self._journal, *map(list, values)), prepare=True)


def _values(row: Row) -> tuple[Any, ...]:
    key = stored_text(row.key)
    return digest(row.key), key, row.run, row.status, row.unsafe_sent, row.handled, row.story


def _row(values: tuple[Any, ...]) -> Row:
    return Row(read_text(values[0]), *values[1:])


def _close(process: int, connection: psycopg.Connection, journal: int, lock: threading.Lock) -> None:
    # A forked process has the same objects, but the journal is its parent's.
    if os.getpid() != process:
        return
    with lock, contextlib.suppress(psycopg.Error), connection:
        connection.execute("UPDATE alexa_props.journals SET open = false, used = now() WHERE id = %s", (journal,))
        # The server may notice the end of the connection only after the next run has begun.
        connection.execute("SELECT pg_advisory_unlock_all()")


# Opening.


def _connect(url: PostgresUrl) -> psycopg.Connection:
    """Connect to the server.

    Raises:
        ConfigurationError: It cannot be reached, or refuses.

    """
    try:
        # No variable: a traceback may show it.
        return psycopg.connect(
            make_conninfo("", **{**_DEFAULTS, **conninfo_to_dict(url.url.reveal())}), autocommit=True
        )
    except psycopg.ProgrammingError:
        problem = "libpq does not accept this URL: check host, port and options"  # its own error quotes the URL
    except psycopg.Error as error:
        problem = str(error)
    # Outside the handlers: the frames of psycopg have the password.
    raise _refused(url, problem)


@contextlib.contextmanager
def _refusing(
    url: PostgresUrl, connection: psycopg.Connection, statements: Callable[[str], Sequence[str]]
) -> Iterator[None]:
    """Turn errors of the server into `ConfigurationError`, with the statements that give a user a missing right."""
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        user = sql.Identifier(connection.info.user).as_string(connection)
        raise _refused(
            url, str(error), f": as an administrator of the database, run: {'; '.join(statements(user))};"
        ) from None
    except psycopg.Error as error:
        raise _refused(url, str(error)) from None


def _refused(url: PostgresUrl, problem: str, advice: str = "") -> ConfigurationError:
    return ConfigurationError(f"the journal {url.name!r} cannot be opened: {sanitize(problem, *url.secrets)}{advice}")


def _take_lock(connection: psycopg.Connection, url: PostgresUrl) -> None:
    connection.execute(_SETTLE, (list(_SETTINGS), list(_SETTINGS.values())))
    (process,) = _one(connection.execute("SELECT pg_backend_pid()"))
    if process != connection.info.backend_pid:
        # It may give the next statement to another session, and the lock to another run.
        raise _refused(
            url, "there is a connection pooler in front of the server, and its lock needs a session: connect directly"
        )
    (taken,) = _one(connection.execute("SELECT pg_try_advisory_lock(%s)", (lock_of(url.journal),)))
    if not taken:
        raise HeldError


def _create_tables(connection: psycopg.Connection) -> None:
    if _exist(connection):
        return
    with connection.transaction():
        # IF NOT EXISTS does not help two runs that create a table at the same time.
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (CREATION_LOCK,))
        for statement in TABLES:
            connection.execute(statement)


def _exist(connection: psycopg.Connection) -> bool:
    return _one(connection.execute("SELECT to_regclass('alexa_props.items')"))[0] is not None


def _begin_run(connection: psycopg.Connection, url: PostgresUrl, job: str) -> tuple[int, int]:
    """Return the id of the journal and the number of the run."""
    found = _find(connection, url)
    if found is None:
        values = (stored_text(url.journal), FORMAT, stored_text(job))
        insert = (
            "INSERT INTO alexa_props.journals (name, format, job, runs, open, used) "
            "VALUES (%s, %s, %s, 1, true, now()) RETURNING id, runs"
        )
        return _one(connection.execute(insert, values))
    journal, its_job, _, _ = found
    if its_job != job:
        raise another_job(url.name, its_job, job, _INSTEAD)
    update = (
        "UPDATE alexa_props.journals SET runs = runs + 1, open = true, used = now() WHERE id = %s RETURNING id, runs"
    )
    return _one(connection.execute(update, (journal,)))


def _find(connection: psycopg.Connection, url: PostgresUrl) -> tuple[int, str, int, bool] | None:
    """Return id, job, number of runs, and whether it is open; None if there is no such journal."""
    found = connection.execute(
        "SELECT id, format, job, runs, open FROM alexa_props.journals WHERE name = %s", (stored_text(url.journal),)
    ).fetchone()
    if found is None:
        return None
    journal, form, job, runs, is_open = found
    if form != FORMAT:
        raise another_format(url.name, form, FORMAT, _INSTEAD)
    return journal, read_text(job), runs, is_open


def _one(found: psycopg.Cursor[tuple[Any, ...]]) -> tuple[Any, ...]:
    row = found.fetchone()
    assert row is not None  # noqa: S101 - the statement returns one row
    return row


# Reading.


def read(url: PostgresUrl) -> JournalContent:
    """Return the content of a journal as it is at one moment: see `Place`."""
    with _connect(url) as connection, _refusing(url, connection, rights_to_read):
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        found = _find(connection, url) if _exist(connection) else None
        if found is None:
            raise ConfigurationError(f"there is no journal {url.name!r}{_others(connection)}")
        journal, job, runs, is_open = found
        items = connection.execute(
            "SELECT key, run, status, unsafe_sent, handled, story FROM alexa_props.items WHERE journal = %s",
            (journal,),
        )
        rows = sorted(map(_row, items), key=lambda row: row.key)
        return JournalContent(job, runs, is_open, tuple(map(record_of, rows)))


def _others(connection: psycopg.Connection) -> str:
    """Return the part of a message that names the journals of a database."""
    if not _exist(connection):
        return ": no run has begun in this database"
    found = connection.execute("SELECT name FROM alexa_props.journals ORDER BY used DESC").fetchall()
    names = [f"#{read_text(name)}" for (name,) in found]
    more = f" and {len(names) - _MOST_NAMES:,} more" if len(names) > _MOST_NAMES else ""
    return f": this database has {', '.join(names[:_MOST_NAMES]) or 'none'}{more}"
