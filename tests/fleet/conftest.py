"""What the tests of fleets share."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from alexa_props.fleet import FleetReport
from tests.fleet.helpers import AnyJournal
from tests.fleet.reports import example_report
from tests.postgres import Server, needs_postgres

MEMORY = Path("/dev/shm")


@pytest.fixture
def tmp_path(tmp_path: Path) -> Iterator[Path]:
    """A directory in memory if the system has one: a journal waits for the disk at every record."""
    if not os.access(MEMORY, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        yield Path(folder)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture(params=["file", pytest.param("postgres", marks=needs_postgres)])
def any_journal(request: pytest.FixtureRequest, tmp_path: Path) -> AnyJournal:
    """A new journal of each kind."""
    if request.param == "file":
        return tmp_path / "journal.db"
    server: Server = request.getfixturevalue("postgres")
    return server.url()


@pytest.fixture
def report() -> FleetReport[str, None]:
    return example_report()
