"""`fleet run`: which rooms, what is printed, the journal, and how a run is stopped."""

from __future__ import annotations

import fcntl
import json
import re
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands import Run, Start, Terminal
from tests.cli.service import Service

DELETE = "alerts.delete_alarms"


def organization(service: Service) -> str:
    return service.facts["organization_id"]


def everywhere(service: Service) -> tuple[str, ...]:
    """Return the options for a change of all rooms."""
    return ("--under", organization(service), "--yes")


def rooms(service: Service) -> list[str]:
    found: list[Any] = service.world["rooms"]
    return [str(room) for room in found]


def lines(text: str) -> list[dict[str, str]]:
    """Return the rows that were printed, by column."""
    columns = ("room", "path", "device", "step", "status", "code", "description", "unit_id", "endpoint_id")
    return [dict(zip(columns, line.split("\t"), strict=True)) for line in text.splitlines()]


def sent_to(service: Service) -> list[str]:
    return [call["unit_id"] for call in service.calls(DELETE)]


def test_all_rooms_below_a_unit(run: Run, service: Service) -> None:
    offline = str(service.world["endpoints"][4])
    service.script("offline", ids=[offline])
    done = run("fleet", "run", "alarms", *everywhere(service), env=service.environment)
    assert done.returncode == 3
    found = lines(done.stdout)
    assert sorted(row["unit_id"] for row in found) == sorted(rooms(service))
    [failed] = [row for row in found if row["status"] != "done"]
    assert failed == {
        "room": "Room 103",
        "path": "Seaside 1 / Floor 1",
        "device": "Room 103 Echo 1",
        "step": "",
        "status": "failed",
        "code": "DEVICE_NOT_REACHABLE",
        "description": "the device is offline",
        "unit_id": rooms(service)[2],
        "endpoint_id": offline,
    }
    assert done.stderr.startswith("alexa-props: alarms: 11 done, 1 failed (Room 103)\n")
    assert sorted(sent_to(service)) == sorted(rooms(service))


def test_json_lines_have_all_fields(run: Run, service: Service) -> None:
    offline = str(service.world["endpoints"][4])
    service.script("offline", ids=[offline])
    done = run("fleet", "run", "alarms", *everywhere(service), "--json", env=service.environment)
    found = {row["unit_id"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert len(found) == 12
    row = found[rooms(service)[2]]
    assert (row["status"], row["room"], row["property_name"]) == ("failed", "Room 103", "Seaside 1")
    [failure] = row["failures"]
    assert (failure["endpoint_id"], failure["code"], failure["operation"]) == (offline, "DEVICE_NOT_REACHABLE", DELETE)
    assert failure["device"] == "Room 103 Echo 1"
    assert failure["request_id"]


@pytest.mark.apart
def test_failed_steps_of_a_device_are_one_row_or_one_each(run: Run, service: Service) -> None:
    service.script("offline", ids=[service.world["endpoints"][4]])
    arguments = ("fleet", "run", "reset", *everywhere(service), "--volume", "30")
    [joined] = [row for row in lines(run(*arguments, env=service.environment).stdout) if row["status"] != "done"]
    assert joined["device"] == "Room 103 Echo 1"
    steps = ["alarms", "timers", "reminders", "Bluetooth", "do not disturb", "volume"]
    assert joined["step"] == ", ".join(steps)
    assert joined["code"] == "DEVICE_NOT_REACHABLE, DEVICE_UNREACHABLE"
    each = [row for row in lines(run(*arguments, "--by-step", env=service.environment).stdout) if row["step"]]
    assert [row["step"] for row in each] == steps
    assert {row["device"] for row in each} == {"Room 103 Echo 1"}
    [room] = [
        room for room in json.loads(run(*arguments, "-o", "json", env=service.environment).stdout) if room["failures"]
    ]
    assert [(failure["device"], failure["step"]) for failure in room["failures"]] == [
        ("Room 103 Echo 1", step) for step in steps
    ]


def test_names_of_failed_devices_are_not_worth_a_failure(run: Run, service: Service) -> None:
    service.script("offline", ids=service.world["endpoints"][4:8])
    service.script("faults", operation="endpoints.list", kind="status", status=403, times=None)
    done = run("fleet", "run", "alarms", *everywhere(service), "--concurrency", "1", env=service.environment)
    assert done.returncode == 3
    assert [row["device"] for row in lines(done.stdout) if row["status"] == "failed"] == [""] * 4
    assert len(service.calls("endpoints.list")) == 1


def test_rooms_from_a_file_and_from_standard_input(run: Run, service: Service, tmp_path: Path) -> None:
    wanted, text = rooms(service)[3:5], "\ufeffUNIT_ID\r\n{0}\r\n{1}\r\n{0}\r\n"
    source = tmp_path / "rooms.csv"
    source.write_bytes(text.format(*wanted).encode())
    done = run("fleet", "run", "alarms", "--from", str(source), "--yes", env=service.environment)
    assert (done.returncode, sorted(row["unit_id"] for row in lines(done.stdout))) == (0, sorted(wanted))
    done = run("fleet", "run", "alarms", "--from", "-", "--yes", env=service.environment, text=text.format(*wanted))
    assert done.stderr.startswith("alexa-props: 2 rooms read from standard input; left out: duplicates: 1\n")
    assert (done.returncode, sorted(row["unit_id"] for row in lines(done.stdout))) == (0, sorted(wanted))
    assert sorted(sent_to(service)) == sorted(wanted * 2)


@pytest.mark.parametrize(
    ("arguments", "text", "words"),
    [
        (["alarms"], None, "either with --from a file, or with --under a unit"),
        (["alarms", "--under", "unit"], "unit\n", "either with --from a file, or with --under a unit"),
        (["alarms", "--from", "nowhere.csv"], None, "nowhere.csv cannot be read"),
        (["alarms", "--volume", "30"], "unit\n", "--volume is for reset"),
        (["alarms", "--station", "IHR_JAZZ"], "unit\n", "--station is for reset"),
        (["alarms", "--retry-failed"], "unit\n", "--retry-failed needs --journal"),
        (["alarms", "--wait-for-journal", "5"], "unit\n", "--wait-for-journal needs --journal"),
        (["alarms", "--stop-on", "half"], "unit\n", "5%"),
        (["alarms", "--stop-on", "0"], "unit\n", "5%"),
        (["alarms", "--stop-on", "150%"], "unit\n", "5%"),
        (["alarms", "--stop-on", "nan%"], "unit\n", "5%"),
        (["alarms", "--concurrency", "0"], "unit\n", "--concurrency"),
        (["station"], "unit\n", "name the station with --station"),
        (["station", "--station", "nothing of the kind"], "unit\n", "not a known station"),
        (["reset", "--wake-word", "BANANA"], "unit\n", "ALEXA, AMAZON, COMPUTER, ECHO"),
        (["sing"], "unit\n", "sing"),
        (["alarms"], "unit_id,level\n,3\n", "row 1 names no room"),
        (["alarms", "--exclude", "nowhere.csv"], "unit\n", "nowhere.csv cannot be read"),
        (["alarms", "--exclude", "-"], "unit\n", "only one of --from and --exclude"),
        (["alarms", "--sample", "0"], "unit\n", "--sample"),
    ],
)
def test_invalid_options_are_refused(run: Run, arguments: list[str], text: str | None, words: str) -> None:
    source = [] if text is None else ["--from", "-"]
    done = run("fleet", "run", *arguments, *source, text=text or "")
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr


@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_the_output_of_units_is_a_list_of_rooms(run: Run, service: Service, tmp_path: Path, as_json: list[str]) -> None:
    listed = run("units", organization(service), "--depth", "all", *as_json, env=service.environment).stdout
    source = tmp_path / "rooms.tsv"
    source.write_text(listed)
    dry = run("fleet", "run", "alarms", "--from", str(source), "--dry-run", env=service.environment)
    assert len(dry.stdout.splitlines()) == 12
    done = run("fleet", "run", "alarms", "--from", "-", "--yes", env=service.environment, text=listed)
    assert (done.returncode, sorted(sent_to(service))) == (0, sorted(rooms(service)))
    left_out = f"12 rooms read from standard input; left out: parent units: {len(listed.splitlines()) - 12}\n"
    assert done.stderr.startswith(f"alexa-props: {left_out}")


def test_no_rooms_are_reported(run: Run, service: Service) -> None:
    done = run("fleet", "run", "alarms", "--from", "-", "--yes", env=service.environment)
    assert (done.returncode, done.stdout) == (0, "")
    assert "0 rooms read from standard input; nothing to do" in done.stderr
    script = {"status": 200, "body": json.dumps({"results": []}), "times": None}
    service.script("faults", operation="units.list", kind="status", **script)
    done = run("fleet", "run", "alarms", *everywhere(service), env=service.environment)
    assert (done.returncode, done.stdout) == (0, "")
    assert "there are no rooms below" in done.stderr


def test_learned_rates_are_stored_for_the_next_run(run: Run, service: Service, tmp_path: Path) -> None:
    service.script("quota", operation=DELETE, rate=40, burst=1)
    limits = str(tmp_path / "limits.json")
    arguments = ("fleet", "run", "alarms", *everywhere(service), "--limits", limits)
    assert "calls: 12; duration unknown" in run(*arguments, "--dry-run", env=service.environment).stderr
    run(*arguments, "--concurrency", "12", env=service.environment)
    assert json.loads(Path(limits).read_text())[DELETE]["rate"]
    assert re.search(r"calls: 12; about \d+ s at", run(*arguments, "--dry-run", env=service.environment).stderr)
    Path(limits).write_text("{")
    done = run(*arguments, env=service.environment)
    assert done.returncode == 1
    assert done.stderr.startswith(f"alexa-props: --limits {limits}: ")
    assert "delete the file, or name another one" in done.stderr
    Path(limits).write_text("")
    done = run(*arguments, env=service.environment)
    assert done.returncode == 0
    assert f"{limits} is empty: no rates are known yet" in done.stderr
    assert json.loads(Path(limits).read_text())[DELETE]["rate"]


def test_a_second_run_resumes_from_the_journal(run: Run, service: Service, tmp_path: Path) -> None:
    service.script("offline", ids=[service.world["endpoints"][4]])
    arguments = (
        "fleet",
        "run",
        "alarms",
        *everywhere(service),
        "--journal",
        str(tmp_path / "a.db"),
    )
    assert run(*arguments, env=service.environment).returncode == 3
    assert len(sent_to(service)) == 12
    again = run(*arguments, env=service.environment)
    assert again.returncode == 3
    [row] = lines(again.stdout)
    assert (row["unit_id"], row["code"]) == (rooms(service)[2], "DEVICE_NOT_REACHABLE")
    assert len(sent_to(service)) == 12
    service.script("offline", ids=[service.world["endpoints"][4]], offline=False)
    repeated = run(*arguments, "--retry-failed", env=service.environment)
    [row] = lines(repeated.stdout)
    assert (repeated.returncode, row["unit_id"], row["status"]) == (0, rooms(service)[2], "done")
    assert sent_to(service)[12:] == [rooms(service)[2]]


def test_a_run_waits_for_its_journal(run: Run, service: Service, tmp_path: Path) -> None:
    held = tmp_path / "a.db"
    lock = held.with_name("a.db-lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    arguments = ("fleet", "run", "alarms", *everywhere(service), "--journal", str(held))
    done = run(*arguments, "--wait-for-journal", "0.2", env=service.environment)
    assert done.returncode == 1
    assert re.search(r"a\.db' is held by another run after 0\.\d s: wait until that run ends", done.stderr)
    lock.close()
    assert run(*arguments, env=service.environment).returncode == 0


@pytest.mark.parametrize(
    ("job", "others"),
    [
        (("reset", "--volume", "30"), [("reset", "--volume", "31"), ("alarms",), ("station", "--station", "IHR_JAZZ")]),
        (("station", "--station", "IHR_JAZZ"), [("station", "--station", "SOME_RADIO:1")]),
    ],
)
def test_a_journal_is_of_one_job_with_its_options(
    run: Run, service: Service, tmp_path: Path, job: tuple[str, ...], others: list[tuple[str, ...]]
) -> None:
    where = ("--from", "-", "--yes", "--journal", str(tmp_path / "a.db"))
    text = rooms(service)[0]
    assert run("fleet", "run", *job, *where, env=service.environment, text=text).returncode == 0
    assert run("fleet", "run", *job, *where, env=service.environment, text=text).stdout == ""
    for other in others:
        done = run("fleet", "run", *other, *where, env=service.environment, text=text)
        assert (done.returncode, done.stdout) == (1, "")
        assert f"belongs to the job '{job[0]}" in done.stderr


def test_unknown_rooms_outweigh_failed_ones(run: Run, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", lambda low, _: low)
    service.script("offline", ids=[service.world["endpoints"][4]])
    service.script("faults", operation=DELETE, kind="drop_after", unit_id=rooms(service)[1], times=None)
    done = run("fleet", "run", "alarms", *everywhere(service), env=service.environment)
    assert done.returncode == 4
    assert [row["unit_id"] for row in lines(done.stdout) if row["status"] == "unknown"] == [rooms(service)[1]]


@pytest.mark.parametrize("number", [1, 2])
def test_stop_on_ends_a_failing_run(run: Run, service: Service, number: int) -> None:
    service.script("faults", operation=DELETE, kind="status", status=403, times=None)
    arguments = (
        "fleet",
        "run",
        "alarms",
        *everywhere(service),
        "--stop-on",
        str(number),
        "--concurrency",
        "1",
    )
    done = run(*arguments, env=service.environment)
    assert done.returncode == 3
    assert len(lines(done.stdout)) == len(sent_to(service)) == number
    assert f"(stop_on={number})" in done.stderr


@pytest.mark.apart
def test_ctrl_c_waits_for_rooms_in_flight_and_the_next_run_does_the_others(
    service: Service, start: Start, run: Run, tmp_path: Path
) -> None:
    service.script("latency", seconds=0.3)
    arguments = (
        "alarms",
        *everywhere(service),
        "--journal",
        str(tmp_path / "a.db"),
        "--concurrency",
        "3",
    )
    process = start("fleet", "run", *arguments, env=service.environment)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "waiting for" in err
    assert "stopped: interrupted" in err
    printed = 1 + len(lines(out))
    assert {row["status"] for row in lines(out)} <= {"done"}
    assert printed == len(sent_to(service)) < 12
    done = run("fleet", "run", *arguments, env=service.environment)
    assert done.returncode == 0
    assert len(lines(done.stdout)) == 12 - printed
    assert sorted(sent_to(service)) == sorted(rooms(service))


@pytest.mark.apart
def test_a_second_ctrl_c_cancels_the_rooms_in_flight_and_reports_them(
    service: Service, start: Start, tmp_path: Path
) -> None:
    service.script("latency", seconds=60, operation=DELETE)
    # It never takes effect: it counts the calls that have arrived.
    service.script("faults", operation=DELETE, kind="slow", after=1000)
    arguments = (
        "alarms",
        *everywhere(service),
        "--journal",
        str(tmp_path / "a.db"),
        "--concurrency",
        "2",
    )
    process = start("fleet", "run", *arguments, env=service.environment)
    assert process.stderr is not None
    while service.http.get("/_simulator/faults").json()[0]["seen"] < 2:
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert "waiting for 2 room(s)" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert [row["status"] for row in lines(out)] == ["unknown", "unknown"]
    assert "2 unknown" in err
    with closing(sqlite3.connect(tmp_path / "a.db")) as db:
        assert db.execute("SELECT count(*) FROM items WHERE status = 'started'").fetchone() == (2,)


@pytest.mark.apart
@pytest.mark.parametrize(
    ("streams", "number", "status"),
    [
        # A reader that leaves is `| head`, or `| tee` that the same Ctrl-C ends.
        (("leaves", "read"), None, 141),
        (("leaves", "read"), signal.SIGINT, 130),
        pytest.param(("leaves", "leaves"), signal.SIGTERM, 143, marks=pytest.mark.apart),
        pytest.param(("full", "read"), None, 1, marks=pytest.mark.apart),
        (("read", "leaves"), None, 0),
    ],
)
def test_a_lost_output_or_a_signal_starts_no_more_rooms_and_records_those_in_flight(
    *,
    service: Service,
    start: Start,
    tmp_path: Path,
    streams: tuple[str, str],
    number: int | None,
    status: int,
) -> None:
    service.script("latency", seconds=0.15, operation=DELETE)
    journal = str(tmp_path / "a.db")
    arguments = ("alarms", *everywhere(service), "--journal", journal, "--concurrency", "2")
    out, err = streams
    options: dict[str, Any] = {}
    with Path("/dev/full").open("w") as full:
        if out == "full":
            options["stdout"] = full
        process = start("fleet", "run", *arguments, env=service.environment, **options)
    if err == "leaves" and process.stderr is not None:
        process.stderr.close()
        process.stderr = None
    if process.stdout is not None:
        process.stdout.readline()
    if out == "leaves" and process.stdout is not None:
        process.stdout.close()
        process.stdout = None
    if number is not None:
        process.send_signal(number)
    _, printed = process.communicate(timeout=30)
    assert process.returncode == status
    check_nothing_was_cut_off(service, journal, stopped=status != 0)
    if err == "read":
        assert "stopped: " in printed
        assert "Traceback" not in printed
        assert "Exception ignored" not in printed


def check_nothing_was_cut_off(service: Service, journal: str, *, stopped: bool) -> None:
    sent = sent_to(service)
    assert len(sent) < 12 if stopped else len(sent) == 12
    with closing(sqlite3.connect(journal)) as db:
        assert db.execute("SELECT key FROM items WHERE status NOT IN ('done', 'failed')").fetchall() == []
        assert sorted(key for (key,) in db.execute("SELECT key FROM items")) == sorted(sent)


@pytest.mark.apart
def test_closing_the_terminal_stops_a_run_gently(
    terminal: Callable[..., Terminal], service: Service, tmp_path: Path
) -> None:
    service.script("latency", seconds=0.15, operation=DELETE)
    journal = str(tmp_path / "a.db")
    arguments = (
        "alarms",
        *everywhere(service),
        "--journal",
        journal,
        "--concurrency",
        "2",
        "--json",
    )
    shown = terminal("fleet", "run", *arguments, env={**service.environment, "COLUMNS": "200"})
    shown.read(until='"status": "done"')
    shown.hang_up()
    assert shown.process.wait(30) == 128 + signal.SIGHUP
    check_nothing_was_cut_off(service, journal, stopped=True)


@pytest.mark.apart
def test_a_run_leaves_signals_alone_that_were_ignored_at_its_start(service: Service, start: Start) -> None:
    service.script("latency", seconds=0.15, operation=DELETE)
    ignoring = ["sh", "-c", 'trap "" HUP INT; exec "$@"', "sh"]
    arguments = ("alarms", *everywhere(service), "--concurrency", "2")
    process = start("fleet", "run", *arguments, env=service.environment, prefix=ignoring)
    assert process.stdout is not None
    process.stdout.readline()
    for number in (signal.SIGHUP, signal.SIGINT):
        process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert len(sent_to(service)) == 12


# On a terminal


@pytest.mark.apart
def test_json_lines_on_a_terminal_are_whole_and_the_bar_says_that_rooms_are_listed(
    screen: Run, service: Service
) -> None:
    service.script("latency", seconds=1.1, operation="units.list")
    arguments = ("fleet", "run", "alarms", *everywhere(service), "--json")
    shown = screen(*arguments, env={**service.environment, "COLUMNS": "80"})
    assert shown.returncode == 0
    text = shown.stdout
    found = [line.rpartition("\x1b[2K")[2] for line in text.splitlines() if '{"room"' in line]
    assert sorted(json.loads(line)["unit_id"] for line in found) == sorted(rooms(service))
    assert min(map(len, found)) > 80
    assert "listing rooms: 0 units" in text


def test_on_a_terminal_there_is_a_bar_and_a_table_of_failures(screen: Run, service: Service, tmp_path: Path) -> None:
    offline = str(service.world["endpoints"][4])
    service.script("offline", ids=[offline])
    source = tmp_path / "rooms.csv"
    source.write_text("room,id\n" + "".join(f"Room {at + 101},{room}\n" for at, room in enumerate(rooms(service))))
    shown = screen(
        "fleet", "run", "alarms", "--from", str(source), "--yes", env={**service.environment, "COLUMNS": "200"}
    )
    assert shown.returncode == 3
    assert "12 of 12" in shown.stdout
    assert "ENDPOINT ID" in shown.stdout
    assert offline in shown.stdout
    assert "11 done, 1 failed (Room 103)" in shown.stdout
