"""The tables of journals in PostgreSQL, and how texts are stored in them."""

from __future__ import annotations

import hashlib
from typing import Final

from alexa_props.errors import JournalError

__all__ = [
    "CREATION_LOCK",
    "FORMAT",
    "TABLES",
    "digest",
    "lock_of",
    "read_text",
    "rights_to_read",
    "statements_for",
    "stored_text",
]

FORMAT: Final = 1
"""The format of a journal that this release writes."""
TABLES: Final = (
    "CREATE SCHEMA IF NOT EXISTS alexa_props",
    """CREATE TABLE IF NOT EXISTS alexa_props.journals (
        id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        name text NOT NULL UNIQUE,
        format integer NOT NULL,
        job text NOT NULL,
        runs integer NOT NULL,
        open boolean NOT NULL,        -- a run uses it, or was killed while it did
        used timestamptz NOT NULL     -- when a run began or ended
    )""",
    """CREATE TABLE IF NOT EXISTS alexa_props.items (
        journal integer NOT NULL REFERENCES alexa_props.journals ON DELETE CASCADE,
        digest bytea NOT NULL,        -- SHA-256 of the key: long texts cannot be indexed
        key text NOT NULL,
        run integer NOT NULL,         -- number of the latest run that had the item
        status text NOT NULL,         -- started, done, failed, unknown
        unsafe_sent boolean NOT NULL, -- a request that must not be sent twice was about to be sent
        handled boolean NOT NULL,     -- false: the item failed, and the service handled none of what failed
        story text,                   -- what went wrong, as JSON
        PRIMARY KEY (journal, digest)
    )""",
)
CREATION_LOCK: Final = 0x414C5850
"""The number of the advisory lock of a run that creates the tables."""


def statements_for(user: str) -> list[str]:
    """Return what an administrator runs if the user may not create tables: each statement in one line."""
    tables = (" ".join(line.partition("--")[0].strip() for line in table.splitlines()) for table in TABLES)
    return [*tables, *_rights("SELECT, INSERT, UPDATE", user)]


def rights_to_read(user: str) -> list[str]:
    """Return what an administrator runs if the user may not read the tables."""
    return _rights("SELECT", user)


def _rights(rights: str, user: str) -> list[str]:
    return [
        f"GRANT USAGE ON SCHEMA alexa_props TO {user}",
        f"GRANT {rights} ON ALL TABLES IN SCHEMA alexa_props TO {user}",
    ]


def digest(key: str) -> bytes:
    """Return what identifies an item."""
    return hashlib.sha256(key.encode()).digest()


def lock_of(journal: str) -> int:
    """Return the number of the advisory lock of a journal: a hash, so that no other program uses it."""
    return int.from_bytes(hashlib.sha256(f"alexa_props journal {journal}".encode()).digest()[:8], signed=True)


def stored_text(text: str) -> str:
    r"""Return a text in ASCII: PostgreSQL stores no NUL, and some databases store no other than Latin characters."""
    return text.encode("unicode_escape").decode("ascii")


def read_text(stored: str) -> str:
    """Return the text that was stored.

    Raises:
        JournalError: It was changed by hand.

    """
    try:
        return stored.encode("ascii").decode("unicode_escape")
    except ValueError:
        raise JournalError(f"a name or key is damaged: {stored!r:.80}") from None
