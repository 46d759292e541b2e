"""A journal in PostgreSQL: its lock, its connection, its tables, and its password."""

from __future__ import annotations

import logging
import re
import socket
import struct
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import anyio
import psycopg
import pytest

from alexa_props import errors, fleet
from alexa_props.fleet import FleetStopped
from alexa_props.fleet.journal import read_journal
from tests.fleet.helpers import MADE, ROOMS, create, echo, get, never, room_of, rows, run_job, statuses
from tests.helpers import Service, answer, smart_properties
from tests.postgres import PASSWORD, QUOTED, USER, Server, needs_postgres
from tests.secrets.leaks import Leaks

pytestmark = needs_postgres


@pytest.fixture
def journal(postgres: Server) -> str:
    return postgres.url()


@pytest.fixture
def database(postgres: Server) -> str:
    """A new database, without tables."""
    name = f"db{id(object())}_{len(postgres.sql('SELECT 1 FROM pg_database'))}"
    postgres.sql(f'CREATE DATABASE "{name}"')
    return name


def terminate(server: Server) -> None:
    """End the connections of all runs."""
    server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'alexa_props'")


# The lock and its connection.


@pytest.mark.parametrize("make", [get, create])
async def test_lost_connection_ends_the_run(journal: str, postgres: Server, make: Any) -> None:
    async def call(room: str) -> None:
        if room == "room-2":
            terminate(postgres)
        await make(asp)(room)

    service = Service(lambda request: MADE if request.method == "POST" else answer(204))
    asp = smart_properties(service)
    with pytest.raises(FleetStopped, match=r"was lost: .* another run may hold it now, and this run ends") as caught:
        await fleet.collect(call, ROOMS, journal=journal, job="a job", concurrency=1)
    assert isinstance(caught.value.__cause__, errors.JournalError)
    assert str(caught.value).count("was lost") == 1
    # A request that must not be sent twice is not sent if that cannot be recorded.
    sent = ROOMS[: 3 if make is get else 2]
    assert [room_of(seen) for seen in service.seen] == sent
    assert statuses(caught.value.report) == {room: "done" if room in sent else "failed" for room in ROOMS[:3]}
    report, again = await run_job(journal, make, MADE if make is create else None)
    assert (report.skipped, again) == (2, ROOMS[2:])


async def test_lost_connection_lets_another_run_begin(journal: str, postgres: Server) -> None:
    may_continue = anyio.Event()

    async def items() -> AsyncIterator[str]:
        yield "a"
        await may_continue.wait()
        yield "b"

    service = Service()
    async with fleet.run(get(smart_properties(service)), items(), journal=journal, job="a job") as run:
        assert (await anext(run)).key == "a"
        terminate(postgres)
        report, sent = await run_job(journal, get, None, items=["a", "b"], wait_for_journal=30)
        assert (report.skipped, sent) == (1, ["b"])
        may_continue.set()
        # It never connects again.
        with pytest.raises(errors.JournalError, match="was lost"):
            await anext(run)
    assert [room_of(seen) for seen in service.seen] == ["a"]
    assert rows(journal) == {"a": ("done", 0), "b": ("done", 0)}


async def test_deleted_journal_ends_the_run(journal: str, postgres: Server) -> None:
    async def call(room: str) -> None:
        if room == "room-1":
            postgres.sql("DELETE FROM alexa_props.journals WHERE name = %s", journal.rpartition("#")[2])

    with pytest.raises(FleetStopped, match="could not be written: the record of 'room-1' was deleted") as caught:
        await fleet.collect(call, ROOMS, journal=journal, job="a job", concurrency=1)
    assert statuses(caught.value.report) == dict.fromkeys(ROOMS[:2], "done")


@contextmanager
def pooler(server: Server) -> Iterator[int]:
    """Forward one connection, with another process id of the session, as poolers do. Yield the port."""

    def forward(source: socket.socket, to: socket.socket, change: Any) -> None:
        while data := source.recv(65536):
            to.sendall(change(data))
        to.shutdown(socket.SHUT_WR)

    def serve() -> None:
        client, _ = listener.accept()
        with client, closing(socket.create_connection(("127.0.0.1", server.port))) as upstream:
            there = threading.Thread(target=forward, args=(client, upstream, bytes))
            there.start()
            forward(upstream, client, change)
            there.join()

    def change(data: bytes) -> bytes:
        # BackendKeyData: the letter, the length 12, process id and key.
        return re.sub(rb"K\0\0\0\x0c....", b"K\0\0\0\x0c" + struct.pack("!I", 99), data, flags=re.DOTALL)

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


async def test_refuses_a_connection_pooler(journal: str, postgres: Server) -> None:
    with (
        pooler(postgres) as port,
        pytest.raises(errors.ConfigurationError, match=r"there is a connection pooler .*: connect directly"),
    ):
        await run_job(journal.replace(f":{postgres.port}/", f":{port}/"), get, None)


async def test_records_are_on_the_disk_whatever_the_default_is(
    postgres: Server, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgres.sql(f'ALTER DATABASE "{database}" SET synchronous_commit = off')
    connections: list[psycopg.Connection] = []
    connect = psycopg.connect

    def remembered(*arguments: Any, **options: Any) -> psycopg.Connection:
        connections.append(connect(*arguments, **options))
        return connections[-1]

    monkeypatch.setattr(psycopg, "connect", remembered)

    async def call(_: str) -> object:
        return connections[0].execute("SHOW synchronous_commit").fetchone()

    report = await fleet.collect(call, ["a"], journal=postgres.url(database), job="a job", concurrency=1)
    assert [outcome.value for outcome in report] == [("on",)]


# Tables.


async def test_runs_that_begin_together_create_the_tables_once(postgres: Server, database: str) -> None:
    async def begin(number: int) -> None:
        report, _ = await run_job(postgres.url(database, name=str(number)), get, None, items=["a"])
        assert statuses(report) == {"a": "done"}

    async with anyio.create_task_group() as tasks:
        for number in range(8):
            tasks.start_soon(begin, number)
    assert postgres.sql("SELECT count(*) FROM alexa_props.items", database=database) == [(8,)]


async def test_tables_that_may_not_be_created_are_in_the_error(postgres: Server, database: str) -> None:
    user = f"Guest {database}"
    postgres.sql(f"CREATE USER \"{user}\" PASSWORD '{PASSWORD}'")
    journal = postgres.url(database, user=user.replace(" ", "%20"))
    with pytest.raises(errors.ConfigurationError, match="permission denied") as caught:
        await run_job(journal, get, None, items=["a"])
    statements = str(caught.value).partition("as an administrator of the database, run: ")[2]
    postgres.sql(statements, database=database)
    for skipped in (0, 1):
        report, _ = await run_job(journal, get, None, items=["a"])
        assert report.skipped == skipped
    assert read_journal(journal).runs == 2


async def test_a_reader_needs_no_right_to_write(postgres: Server, database: str) -> None:
    await run_job(postgres.url(database, name="alarms"), get, None, items=["a"])
    user = f"reader_{database}"
    postgres.sql(f"CREATE USER {user} PASSWORD '{PASSWORD}'")
    journal = postgres.url(database, user=user, name="alarms")
    with pytest.raises(errors.ConfigurationError, match="permission denied") as caught:
        read_journal(journal)
    statements = str(caught.value).partition("as an administrator of the database, run: ")[2]
    assert "CREATE" not in statements
    postgres.sql(statements, database=database)
    assert [record.key for record in read_journal(journal).records] == ["a"]
    error = await refused(journal)
    assert "INSERT" in str(error)


async def test_refuses_the_journal_of_another_release(journal: str, postgres: Server) -> None:
    await run_job(journal, get, None, items=["a"])
    postgres.sql("UPDATE alexa_props.journals SET format = 99 WHERE name = %s", journal.rpartition("#")[2])
    with pytest.raises(errors.ConfigurationError, match="has format 99, and this release writes format 1: resume"):
        await run_job(journal, get, None)


async def test_damaged_record_ends_the_run(journal: str, postgres: Server) -> None:
    await run_job(journal, get, answer(400), items=["a"])
    postgres.sql("UPDATE alexa_props.items SET story = '{' WHERE key = 'a'")
    with pytest.raises(errors.JournalError, match="the record of 'a' is damaged"):
        await run_job(journal, get, None, items=["a"])
    with pytest.raises(errors.JournalError, match="the record of 'a' is damaged"):
        read_journal(journal)


# URLs and names.


async def test_a_database_has_many_journals(postgres: Server, database: str) -> None:
    names = ["", "a", "A", "a#b?c=d/e", "%41", "hôtel \N{HOTEL}", "a@b"]
    for name in names:
        report, _ = await run_job(postgres.url(database, name=name), get, None, items=["a"])
        assert report.skipped == 0
    url = postgres.url(database, name="")
    report, _ = await run_job(url.removesuffix("#"), get, None, items=["a"])
    assert report.skipped == 1
    for name in names:
        content = read_journal(postgres.url(database, name=name))
        assert (content.job, content.runs, content.is_open) == ("a job", 2 if name == "" else 1, False)
    with pytest.raises(errors.ConfigurationError, match=r"^there is no journal 'postgresql://.*#x': .* has .*#a#b"):
        read_journal(postgres.url(database, name="x"))


async def test_content_is_read_while_a_run_uses_it(journal: str) -> None:
    with pytest.raises(errors.ConfigurationError, match="there is no journal"):
        read_journal(journal)
    async with fleet.run(never, ["b", "a"], journal=journal, job="a job"):
        while len(read_journal(journal).records) < 2:  # noqa: ASYNC110 - there is no event for it
            await anyio.sleep(0.01)
        content = read_journal(journal)
    assert content.is_open
    assert [(record.key, record.status, record.run) for record in content.records] == [
        ("a", "started", 1),
        ("b", "started", 1),
    ]


async def test_missing_psycopg_is_named(journal: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(errors.ConfigurationError, match=r'pip install "alexa-props\[postgres\]"'):
        await run_job(journal, get, None)


# The password.


async def refused(url: str, start: Any = fleet.collect) -> BaseException:
    with pytest.raises(errors.ConfigurationError) as caught:
        await start(echo, ["a"], journal=url, job="a job")
    return caught.value


async def enter(call: Any, items: Any, **options: Any) -> None:
    async with fleet.run(call, items, **options):
        pass


async def test_the_password_is_nowhere(
    journal: str, postgres: Server, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    urls = (
        journal.replace("/postgres#", "/missing#"),
        journal.replace(USER, "nobody"),
        journal.replace("127.0.0.1", "[127.0.0.1"),
        journal.replace(QUOTED, PASSWORD),
        journal.replace("/postgres#", f"/postgres?password={QUOTED}#"),
        journal.replace("/postgres#", "/postgres?unknown=option#"),
        journal.replace(f":{postgres.port}", ":1"),
    )
    failed = [await refused(url) for url in urls]
    assert len({str(error) for error in failed}) == len(urls)
    # The last two need a size.
    starts: list[Any] = [enter, fleet.run_many, fleet.collect_many]
    failed += [await refused(urls[0], start) for start in starts]
    async with fleet.run(never, ["a"], journal=journal, job="a job", progress=True) as run:
        failed.append(await refused(journal))
        shown = repr(run)

    async def call(_: str) -> None:
        terminate(postgres)

    with pytest.raises(FleetStopped) as caught:
        await fleet.collect(call, ["a", "b"], journal=journal, job="a job", concurrency=1)
    failed.append(caught.value)
    leaks = Leaks({"password": PASSWORD, "quoted": QUOTED})
    leaks.check(iter([("repr", shown), ("log", caplog.text), ("output", "".join(capsys.readouterr()))]))
    for error in failed:
        leaks.check_error(error, reported=error is failed[-1])


@pytest.mark.parametrize(
    "change",
    [
        str.upper,
        lambda url: f" {url}",
        lambda url: url.replace("postgresql:", "postgresql+psycopg:"),
        lambda url: url.replace("postgresql:", "mysql:"),
        lambda url: url.replace("//", "/"),
        lambda url: url.replace("//", ""),
        Path,
        lambda _: f"host=127.0.0.1 password={PASSWORD}",
    ],
    ids=["upper case", "blank", "SQLAlchemy", "other", "one slash", "no slash", "path", "options"],
)
async def test_what_is_like_a_url_is_no_path_and_not_shown(change: Callable[[str], Any], journal: str) -> None:
    error = await refused(change(journal))
    assert str(error).startswith("the journal is neither a path nor a URL of PostgreSQL")
    Leaks({"password": PASSWORD, "quoted": QUOTED, "upper": QUOTED.upper()}).check_error(error)


async def test_refuses_a_name_that_cannot_be_stored(journal: str) -> None:
    assert "half a surrogate pair" in str(await refused(f"{journal}\udc80"))


async def test_the_password_may_come_from_the_environment(journal: str, monkeypatch: pytest.MonkeyPatch) -> None:
    without = journal.replace(f":{QUOTED}", "")
    assert "no password" in str(await refused(without))
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    report, _ = await run_job(without, get, None, items=["a"])
    assert statuses(report) == {"a": "done"}
