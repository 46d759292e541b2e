"""Where a journal keeps its records, and what a store of any kind has in common."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from alexa_props.errors import ConfigurationError
from alexa_props.fleet.journal.changes import Rows

__all__ = ["HeldError", "LostError", "Store", "WriteError", "another_format", "another_job"]


class HeldError(Exception):
    """Another run holds the journal."""


class LostError(Exception):
    """The run no longer holds the journal. The text is a whole message."""


class WriteError(Exception):
    """Records could not be written. The text says why."""


class Store(Protocol):
    """A journal that is open and held by one run. Its methods block: call them in a thread."""

    name: str
    """For messages: without a password."""
    run: int
    """The number of this run, from 1."""
    lock: threading.Lock
    """Held by the thread that uses the store. The thread may outlive an event loop that shuts down."""
    close: Callable[[], object]
    """Release the journal. May be called again."""

    def transact(self, keys: Sequence[str], change: Callable[[Rows], None]) -> None:
        """Change the records of some keys in one transaction, which is on the disk afterwards.

        `change` gets those that exist, and adds and replaces records. What it raises undoes the transaction.

        Raises:
            LostError: The run no longer holds the journal.
            WriteError: The records could not be written.

        """


def another_job(name: str, found: str, job: str, instead: str) -> ConfigurationError:
    """Return the error for a journal of another job."""
    return ConfigurationError(
        f"the journal {name!r} belongs to the job {found!r}, and this is {job!r}: {instead}, or name the job (job=)"
    )


def another_format(name: str, found: object, written: int, instead: str) -> ConfigurationError:
    """Return the error for a journal of another release."""
    return ConfigurationError(
        f"the journal {name!r} has format {found}, and this release writes format {written}: "
        f"resume with the release that began it, or {instead}"
    )
