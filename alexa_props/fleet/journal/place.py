"""What `journal=` names: a file, or a journal in PostgreSQL."""

from __future__ import annotations

import os
from typing import Protocol, TypeAlias, TypeVar

import attrs

from alexa_props.errors import ConfigurationError
from alexa_props.fleet.journal.content import JournalContent
from alexa_props.fleet.journal.file import JournalFile
from alexa_props.fleet.journal.postgres_url import PostgresUrl, may_hold_password
from alexa_props.fleet.journal.reader import read_file
from alexa_props.fleet.journal.store import Store
from alexa_props.secret import Secret

__all__ = ["JournalAt", "Place", "conceal", "place_of", "read_journal"]

JournalAt: TypeAlias = str | os.PathLike[str] | Secret
"""A path, or a URL, which may be wrapped because it may hold a password."""
T = TypeVar("T")


class Place(Protocol):
    """Where a journal is. Its methods block: call them in a thread."""

    @property
    def name(self) -> str:
        """For messages: without a password."""
        ...

    def open(self, job: str) -> Store:
        """Open the journal, or create it, for a new run of the job.

        Raises:
            ConfigurationError: It is not a journal, cannot be reached, or belongs to another job.
            HeldError: Another run holds it.
            JournalError: It is damaged or incomplete.

        """
        ...

    def read(self) -> JournalContent:
        """Return the content, without changing or holding it."""
        ...


@attrs.frozen
class FilePlace:
    """The file of a journal."""

    name: str

    def open(self, job: str) -> Store:
        """Open the file: see `Place`."""
        return JournalFile.open(self.name, job)

    def read(self) -> JournalContent:
        """Read the file: see `Place`."""
        return read_file(self.name)


def conceal(journal: T) -> T | Secret:
    """Wrap what may hold a password before anything may raise: a traceback may show local variables."""
    is_named = isinstance(journal, str | os.PathLike)
    return Secret(str(journal)) if is_named and may_hold_password(str(journal)) else journal


def place_of(journal: JournalAt) -> Place:
    """Return the place that a user named.

    Raises:
        ConfigurationError: It is an invalid URL, or one of another kind.

    """
    concealed = conceal(journal)
    del journal
    if isinstance(concealed, Secret):
        return PostgresUrl.parse(concealed)
    if isinstance(concealed, str | os.PathLike):
        return FilePlace(os.fspath(concealed))
    raise ConfigurationError(f"journal must be a path or a URL of PostgreSQL, not {concealed!r:.80}")


def read_journal(journal: JournalAt) -> JournalContent:
    """Return the content of a journal, without changing it.

    Do not call it in a process that runs a fleet with this journal: it would release the locks of SQLite.

    Raises:
        ConfigurationError: There is no such journal, it cannot be read, or it is not a journal.
        JournalError: It is damaged or incomplete.

    """
    return place_of(journal).read()
