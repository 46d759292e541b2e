"""`fleet run` and `room reset`, as processes."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from alexa_props.cli.app import app
from tests.cli.processes import COMMAND, Run, Service, Terminal

DELETE = "alerts.delete_alarms"


def organization(service: Service) -> str:
    return service.facts["organization_id"]


def rooms(service: Service) -> list[str]:
    found: list[Any] = service.world["rooms"]
    return [str(room) for room in found]


def lines(text: str) -> list[list[str]]:
    return [line.split("\t") for line in text.splitlines()]


def started(home: Mapping[str, str], service: Service, *arguments: str, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, "fleet", "run", *arguments],
        env={**home, **service.environment},
        stdin=subprocess.DEVNULL,
        stdout=options.pop("stdout", subprocess.PIPE),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def sent_to(service: Service) -> list[str]:
    return [call["unit_id"] for call in service.calls(DELETE)]


def test_all_rooms_below_a_unit(run: Run, service: Service) -> None:
    offline = str(service.world["endpoints"][4])
    service.script("offline", ids=[offline])
    done = run("fleet", "run", "alarms", "--under", organization(service), env=service.environment)
    assert done.returncode == 3
    found = lines(done.stdout)
    assert sorted(row[0] for row in found) == sorted(rooms(service))
    failed = [row for row in found if row[1] != "done"]
    assert failed == [[rooms(service)[2], "failed", offline, "DEVICE_NOT_REACHABLE", "the device is offline"]]
    assert done.stderr == "alexa-props: 11 done, 1 failed, 0 unknown, 0 done before or twice\n"
    assert sorted(sent_to(service)) == sorted(rooms(service))


def test_json_lines_have_all_that_is_known(run: Run, service: Service) -> None:
    offline = str(service.world["endpoints"][4])
    service.script("offline", ids=[offline])
    done = run("fleet", "run", "alarms", "--under", organization(service), "--json", env=service.environment)
    found = {row["unit_id"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert len(found) == 12
    row = found[rooms(service)[2]]
    assert (row["status"], row["name"], row["property_name"]) == ("failed", "Room 103", "Seaside 1")
    [failure] = row["failures"]
    assert (failure["endpoint_id"], failure["code"], failure["operation"]) == (offline, "DEVICE_NOT_REACHABLE", DELETE)
    assert failure["request_id"]


def test_rooms_from_a_file_and_from_standard_input(run: Run, service: Service, tmp_path: Path) -> None:
    wanted, text = rooms(service)[3:5], "\ufeffUNIT_ID\r\n{0}\r\n{1}\r\n{0}\r\n"
    source = tmp_path / "rooms.csv"
    source.write_bytes(text.format(*wanted).encode())
    done = run("fleet", "run", "alarms", "--from", str(source), env=service.environment)
    assert (done.returncode, sorted(row[0] for row in lines(done.stdout))) == (0, sorted(wanted))
    done = run("fleet", "run", "alarms", "--from", "-", env=service.environment, text=text.format(*wanted))
    assert done.stderr.startswith("alexa-props: 2 rooms read from standard input; left out: duplicates: 1\n")
    assert (done.returncode, sorted(row[0] for row in lines(done.stdout))) == (0, sorted(wanted))
    assert sorted(sent_to(service)) == sorted(wanted * 2)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--from a file, or --under a unit"),
        (["--from", "-", "--under", "unit"], "--from a file, or --under a unit"),
        (["--from", "nowhere.csv"], "nowhere.csv cannot be read"),
        (["--from", "."], "cannot be read"),
        (["--from", "-", "--volume", "30"], "--volume is for reset"),
        (["--from", "-", "--station", "IHR_JAZZ"], "--station is for reset"),
        (["--from", "-", "--retry-failed"], "--journal"),
        (["--from", "-", "--stop-on", "half"], "5%"),
        (["--from", "-", "--stop-on", "0"], "5%"),
        (["--from", "-", "--stop-on", "150%"], "5%"),
        (["--from", "-", "--stop-on", "nan%"], "5%"),
        (["--from", "-", "--concurrency", "0"], "--concurrency"),
    ],
)
def test_options_that_make_no_sense(monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: str) -> None:
    check_usage(monkeypatch, ["alarms", *arguments], b"unit\n", words)


def check_usage(monkeypatch: pytest.MonkeyPatch, arguments: list[str], text: bytes, words: str) -> None:
    """In this process: nothing is sent, and a process takes its time to start."""
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.delenv("ALEXA_PROPS_REFRESH_TOKEN", raising=False)
    done = CliRunner().invoke(app, ["fleet", "run", *arguments], input=text)
    assert (done.exit_code, done.stdout) == (2, "")
    assert words in done.stderr


@pytest.mark.parametrize(
    ("arguments", "text", "words"),
    [
        (["station"], "unit\n", "say which: --station"),
        (["station", "--station", "nothing of the kind"], "unit\n", "not a known station"),
        (["reset", "--wake-word", "BANANA"], "unit\n", "ALEXA, AMAZON, COMPUTER, ECHO"),
        (["sing"], "unit\n", "sing"),
        (["alarms"], "unit_id,name\n,Suite\n", "row 1 has no unit_id"),
        (["alarms"], "amzn1.unit\tSeaside\t1\n", "several columns need a heading"),
        (["alarms"], "room,name\n1,Suite\n", "several columns need a heading"),
        (["alarms"], "unit_id\n\udcff\n", "cannot be read"),
    ],
)
def test_jobs_that_make_no_sense(monkeypatch: pytest.MonkeyPatch, arguments: list[str], text: str, words: str) -> None:
    check_usage(monkeypatch, [*arguments, "--from", "-"], text.encode("utf-8", "surrogateescape"), words)


@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_what_units_prints_is_run_over(run: Run, service: Service, tmp_path: Path, as_json: list[str]) -> None:
    listed = run("units", organization(service), "--depth", "all", *as_json, env=service.environment).stdout
    source = tmp_path / "rooms.tsv"
    source.write_text(listed)
    dry = run("fleet", "run", "alarms", "--from", str(source), "--dry-run", env=service.environment)
    assert dry.stdout.startswith("delete_alarms: 12 items\n")
    done = run("fleet", "run", "alarms", "--from", "-", env=service.environment, text=listed)
    assert (done.returncode, sorted(sent_to(service))) == (0, sorted(rooms(service)))
    above = len(listed.splitlines()) - 12
    left_out = f"12 rooms read from standard input; left out: units above others of the list: {above}\n"
    assert done.stderr.startswith(f"alexa-props: {left_out}")


def test_no_rooms_is_nothing_to_do_and_is_said(run: Run, service: Service) -> None:
    done = run("fleet", "run", "alarms", "--from", "-", env=service.environment)
    assert (done.returncode, done.stdout) == (0, "")
    assert "0 rooms read from standard input; nothing to do" in done.stderr
    script = {"status": 200, "body": json.dumps({"results": []}), "times": None}
    service.script("faults", operation="units.list", kind="status", **script)
    done = run("fleet", "run", "alarms", "--under", organization(service), env=service.environment)
    assert (done.returncode, done.stdout) == (0, "")
    assert f"there are no rooms below {organization(service)}" in done.stderr


def test_a_dry_run_changes_nothing(run: Run, service: Service) -> None:
    arguments = ("fleet", "run", "reset", "--under", organization(service), "--volume", "30", "--dry-run")
    done = run(*arguments, env=service.environment)
    assert done.returncode == 0
    assert done.stdout.startswith("reset_room: 12 items with 24 endpoints\n")
    assert "  features.set_volume: 24 calls\n" in done.stdout
    assert done.stderr == ""
    planned = json.loads(run(*arguments, "--json", env=service.environment).stdout)
    assert planned["calls"]["alerts.delete_alarms"] == [12, 12]
    assert {call["method"] for call in service.http.get("/_simulator/calls").json()["calls"]} <= {"GET", "POST"}
    assert sent_to(service) == []


def test_what_was_learned_says_how_long(run: Run, service: Service, tmp_path: Path) -> None:
    service.script("quota", operation=DELETE, rate=40, burst=1)
    limits = str(tmp_path / "limits.json")
    arguments = ("fleet", "run", "alarms", "--under", organization(service), "--limits", limits)
    assert "not known" in run(*arguments, "--dry-run", env=service.environment).stdout
    run(*arguments, "--concurrency", "12", env=service.environment)
    assert json.loads(Path(limits).read_text())[DELETE]["rate"]
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


def test_the_same_again_goes_on_from_the_journal(run: Run, service: Service, tmp_path: Path) -> None:
    service.script("offline", ids=[service.world["endpoints"][4]])
    arguments = ("fleet", "run", "alarms", "--under", organization(service), "--journal", str(tmp_path / "a.db"))
    assert run(*arguments, env=service.environment).returncode == 3
    assert len(sent_to(service)) == 12
    again = run(*arguments, env=service.environment)
    assert again.returncode == 3
    [[room, *rest]] = lines(again.stdout)
    assert (room, rest[2]) == (rooms(service)[2], "DEVICE_NOT_REACHABLE")
    assert len(sent_to(service)) == 12
    service.script("offline", ids=[service.world["endpoints"][4]], offline=False)
    repeated = run(*arguments, "--retry-failed", env=service.environment)
    assert (repeated.returncode, lines(repeated.stdout)) == (0, [[rooms(service)[2], "done", "", "", ""]])
    assert sent_to(service)[12:] == [rooms(service)[2]]


def test_a_journal_is_of_one_job_with_its_options(run: Run, service: Service, tmp_path: Path) -> None:
    journal = ("--under", organization(service), "--journal", str(tmp_path / "a.db"))
    assert run("fleet", "run", "reset", *journal, "--volume", "30", env=service.environment).returncode == 0
    for other in (("reset", "--volume", "31"), ("alarms",), ("station", "--station", "IHR_JAZZ")):
        done = run("fleet", "run", *other, *journal, env=service.environment)
        assert (done.returncode, done.stdout) == (1, "")
        assert "is of the job 'reset" in done.stderr


def test_no_answer_is_unknown(run: Run, service: Service) -> None:
    service.script("faults", operation=DELETE, kind="drop_after", unit_id=rooms(service)[1], times=None)
    done = run("fleet", "run", "alarms", "--under", organization(service), env=service.environment)
    assert done.returncode == 4
    assert [row[0] for row in lines(done.stdout) if row[1] == "unknown"] == [rooms(service)[1]]


def test_a_run_that_goes_wrong_is_stopped(run: Run, service: Service) -> None:
    service.script("faults", operation=DELETE, kind="status", status=403, times=None)
    arguments = ("fleet", "run", "alarms", "--under", organization(service), "--stop-on", "2", "--concurrency", "1")
    done = run(*arguments, env=service.environment)
    assert done.returncode == 3
    assert len(lines(done.stdout)) == len(sent_to(service)) == 2
    assert "stopped: 2 items are not done (stop_on=2)" in done.stderr


def test_ctrl_c_ends_what_is_under_way_and_the_rest_is_done_later(
    service: Service, home: dict[str, str], run: Run, tmp_path: Path
) -> None:
    service.script("latency", seconds=0.3)
    arguments = ("alarms", "--under", organization(service), "--journal", str(tmp_path / "a.db"), "--concurrency", "3")
    with started(home, service, *arguments) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "waiting for" in err
    assert "stopped: interrupted" in err
    told = 1 + len(lines(out))
    assert {row[1] for row in lines(out)} <= {"done"}
    assert told == len(sent_to(service)) < 12
    done = run("fleet", "run", *arguments, env=service.environment)
    assert done.returncode == 0
    assert len(lines(done.stdout)) == 12 - told
    assert sorted(sent_to(service)) == sorted(rooms(service))


def test_ctrl_c_twice_cuts_off_and_says_what(service: Service, home: dict[str, str], tmp_path: Path) -> None:
    service.script("latency", seconds=60, operation=DELETE)
    # It never strikes: it counts who has arrived.
    service.script("faults", operation=DELETE, kind="slow", after=1000)
    arguments = ("alarms", "--under", organization(service), "--journal", str(tmp_path / "a.db"), "--concurrency", "2")
    with started(home, service, *arguments) as process:
        assert process.stderr is not None
        # Both are at the service, which takes its time.
        while service.http.get("/_simulator/faults").json()[0]["seen"] < 2:
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert "waiting for 2 room(s)" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert [row[1] for row in lines(out)] == ["unknown", "unknown"]
    assert "2 unknown" in err
    with sqlite3.connect(tmp_path / "a.db") as db:
        assert db.execute("SELECT count(*) FROM items WHERE status = 'started'").fetchone() == (2,)


@pytest.mark.parametrize(
    ("streams", "number", "status"),
    [
        # A reader that leaves is `| head`, or `| tee` that the same Ctrl-C ends.
        (("leaves", "read"), None, 141),
        (("leaves", "read"), signal.SIGINT, 130),
        (("leaves", "leaves"), signal.SIGTERM, 143),
        (("read", "read"), signal.SIGHUP, 129),
        (("full", "read"), None, 1),
        (("read", "leaves"), None, 0),
        (("read", "leaves"), signal.SIGINT, 130),
    ],
)
def test_a_lost_output_or_a_signal_begins_no_more_rooms_and_records_those_in_flight(
    *,
    service: Service,
    home: dict[str, str],
    tmp_path: Path,
    streams: tuple[str, str],
    number: int | None,
    status: int,
) -> None:
    service.script("latency", seconds=0.2, operation=DELETE)
    journal = str(tmp_path / "a.db")
    out, err = streams
    with Path("/dev/full").open("w") as full:
        arguments = ("alarms", "--under", organization(service), "--journal", journal, "--concurrency", "2")
        with started(home, service, *arguments, stdout=full if out == "full" else subprocess.PIPE) as process:
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
            _, said = process.communicate(timeout=30)
    assert process.returncode == status
    check_nothing_was_cut_off(service, journal, stopped=status != 0)
    if err == "read":
        assert "stopped: " in said
        assert "Traceback" not in said
        assert "Exception ignored" not in said


def check_nothing_was_cut_off(service: Service, journal: str, *, stopped: bool) -> None:
    sent = sent_to(service)
    assert len(sent) < 12 if stopped else len(sent) == 12
    with sqlite3.connect(journal) as db:
        assert db.execute("SELECT key FROM items WHERE status NOT IN ('done', 'failed')").fetchall() == []
        assert sorted(key for (key,) in db.execute("SELECT key FROM items")) == sorted(sent)


@pytest.mark.parametrize(("options", "seen"), [(["--json"], '"status": "done"'), ([], "1 failed")])
def test_closing_the_terminal_stops_a_run_gently(
    terminal: Callable[..., Terminal], service: Service, tmp_path: Path, options: list[str], seen: str
) -> None:
    service.script("offline", ids=[service.world["endpoints"][0]])
    service.script("latency", seconds=0.2, operation=DELETE)
    journal = str(tmp_path / "a.db")
    arguments = ("alarms", "--under", organization(service), "--journal", journal, "--concurrency", "2")
    shown = terminal("fleet", "run", *arguments, *options, env={**service.environment, "COLUMNS": "200"})
    assert seen in shown.read(until=seen)
    shown.hang_up()
    assert shown.process.wait(30) == 128 + signal.SIGHUP
    check_nothing_was_cut_off(service, journal, stopped=True)


def test_a_run_leaves_signals_alone_that_were_ignored_at_its_start(service: Service, home: dict[str, str]) -> None:
    service.script("latency", seconds=0.2, operation=DELETE)
    command = ["sh", "-c", 'trap "" HUP INT; exec "$@"', "sh", *COMMAND, "fleet", "run", "alarms"]
    with subprocess.Popen(
        [*command, "--under", organization(service), "--concurrency", "2"],
        env={**home, **service.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        for number in (signal.SIGHUP, signal.SIGINT):
            process.send_signal(number)
        process.stdout.read()
    assert process.returncode == 0
    assert len(sent_to(service)) == 12


def test_json_lines_on_a_terminal_are_whole_and_the_bar_says_that_rooms_are_listed(
    terminal: Callable[..., Terminal], service: Service
) -> None:
    service.script("latency", seconds=1.5, operation="units.list")
    arguments = ("fleet", "run", "alarms", "--under", organization(service), "--json")
    shown = terminal(*arguments, env={**service.environment, "COLUMNS": "80"})
    text = shown.read()
    assert shown.process.wait() == 0
    found = [line.rpartition("\x1b[2K")[2] for line in text.splitlines() if '{"unit_id"' in line]
    assert sorted(json.loads(line)["unit_id"] for line in found) == sorted(rooms(service))
    assert min(map(len, found)) > 80
    assert "listing rooms: 0 units, 0:00:01 elapsed" in text


def test_on_a_terminal_there_is_a_bar_and_a_table_of_failures(
    terminal: Callable[..., Terminal], service: Service, tmp_path: Path
) -> None:
    offline = str(service.world["endpoints"][4])
    service.script("offline", ids=[offline])
    source = tmp_path / "rooms.csv"
    source.write_text("\n".join(rooms(service)))
    shown = terminal("fleet", "run", "alarms", "--from", str(source), env={**service.environment, "COLUMNS": "200"})
    text = shown.read()
    assert shown.process.wait() == 3
    assert "12 of 12" in text
    assert "endpoint id" in text
    assert offline in text
    assert text.count("amzn1.alexa.unit") == 1
    assert "11 done, 1 failed" in text


def test_a_room_is_reset(run: Run, service: Service) -> None:
    room = rooms(service)[0]
    arguments = (
        "room",
        "reset",
        room,
        "--volume",
        "30",
        "--locale",
        "en-GB",
        "--locale",
        "fr-FR",
        "--station",
        "IHR_JAZZ",
    )
    done = run(*arguments, env=service.environment)
    assert done.returncode == 0
    assert {row[2] for row in lines(done.stdout)} == {"done"}
    assert done.stderr == f"alexa-props: {room}: 14 of 14 steps are done\n"
    station = run("station", "get", room, env=service.environment)
    assert lines(station.stdout) == [[room, "I_HEART_RADIO", "4242", "IHR_JAZZ"]]

    offline = str(service.world["endpoints"][1])
    service.script("offline", ids=[offline])
    found = run(*arguments, "--json", env=service.environment)
    assert found.returncode == 3
    rows = [json.loads(line) for line in found.stdout.splitlines()]
    failed = [row for row in rows if row["status"] == "failed"]
    assert {row["endpoint_id"] for row in failed} == {offline}
    assert [row["step"] for row in failed] == [
        *("alarms", "timers", "reminders"),
        *("Bluetooth", "locales", "do not disturb", "volume"),
    ]

    service.script("faults", operation="notifications.delete_many", kind="drop_after", times=None)
    assert run(*arguments, env=service.environment).returncode == 4


def test_without_a_login_it_says_what_to_do(run: Run) -> None:
    for arguments in (("room", "reset", "unit-1"), ("fleet", "run", "alarms", "--under", "unit-1")):
        done = run(*arguments)
        assert (done.returncode, done.stdout) == (1, "")
        assert "run `alexa-props login`" in done.stderr
