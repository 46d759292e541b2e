"""`fleet run --dry-run`, and the question before a run that changes something."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.cli.commands import Completed, Run, Start, Terminal
from tests.cli.service import Service

DELETE = "alerts.delete_alarms"
PROMPT = "[y/N] "


def changes(service: Service) -> list[str]:
    """Return the operations that were called and may have changed something."""
    calls = service.http.get("/_simulator/calls", params={"limit": 10_000}).json()["calls"]
    return [call["operation"] for call in calls if call["method"] != "GET" and call["operation"] != "token"]


def dry_run(run: Run, service: Service, *arguments: str) -> Completed:
    where = ("--under", service.facts["organization_id"])
    done = run("fleet", "run", *arguments, *where, "--dry-run", env=service.environment)
    assert changes(service) == []
    return done


# A dry run


@pytest.mark.apart
def test_a_dry_run_says_what_would_change_until_it_is_changed(run: Run, service: Service) -> None:
    values = ("--volume", "30", "--station", "IHR_JAZZ", "--locale", "fr-FR", "--locale", "en-US")
    before = dry_run(run, service, "reset", *values)
    assert before.returncode == 0
    rows = [line.split("\t") for line in before.stdout.splitlines()]
    assert [row[:2] for row in rows] == [[f"Room {number}", "Seaside 1 / Floor 1"] for number in range(101, 113)]
    assert rows[1][2].split("; ") == [
        "station IHR_CLASSIC_ROCK → IHR_JAZZ",
        "locales es-US, en-GB → fr-FR and en-US",
        "do not disturb on → off",
        "volume 77, 50 → 30",
    ]
    assert "reset: would delete all alarms, timers, reminders, notifications, Bluetooth pairings of 12 rooms;" in (
        before.stderr
    )
    values_set = "station IHR_JAZZ, locales fr-FR and en-US, do not disturb off, volume 30"
    assert f"; would set {values_set} (12 rooms to change)\n" in before.stderr
    # For each room: deletions, station, devices. For each device: Bluetooth, two settings, volume.
    assert f"alexa-props: calls: about {12 * 6 + 24 * 4}; duration unknown" in before.stderr
    where = ("--under", service.facts["organization_id"])
    run("fleet", "run", "reset", *values, *where, "--yes", env=service.environment)
    assert len(changes(service)) == 12 * 5 + 24 * 4
    service.http.delete("/_simulator/calls")
    after = dry_run(run, service, "reset", *values)
    assert (after.returncode, after.stdout) == (0, "")
    assert "volume 30 (12 rooms with these values)\n" in after.stderr


def test_a_dry_run_of_a_station_reads_it(run: Run, service: Service) -> None:
    done = dry_run(run, service, "station", "--station", "TUNEIN:s16492", "--sample", "3", "-o", "csv")
    header, *rows = done.stdout.splitlines()
    assert header == "room,path,change,unit_id"
    assert [row.split(",")[2] for row in rows] == [
        "station American Top 40 → TUNEIN:s16492",
        "station IHR_CLASSIC_ROCK → TUNEIN:s16492",
    ]
    assert "station: would set station TUNEIN:s16492 (2 rooms to change, 1 room with these values)" in done.stderr


def test_a_dry_run_of_a_deletion_lists_the_rooms(run: Run, service: Service) -> None:
    done = dry_run(run, service, "timers", "--sample", "2")
    assert [line.split("\t")[:3] for line in done.stdout.splitlines()] == [
        ["Room 101", "Seaside 1 / Floor 1", "all timers deleted"],
        ["Room 102", "Seaside 1 / Floor 1", "all timers deleted"],
    ]
    assert "timers: would delete all timers of 2 rooms\n" in done.stderr


def test_each_value_of_a_dry_run_can_have_a_row(run: Run, service: Service) -> None:
    device = service.world["endpoints"][0]
    service.script("offline", ids=[device])
    arguments = ("reset", "--volume", "30", "--sample", "1")
    done = dry_run(run, service, *arguments, "--by-step", "-o", "csv")
    header, *rows = done.stdout.splitlines()
    assert header == "room,path,device,step,current,new,code,description,unit_id,endpoint_id"
    assert [row.split(",")[2:7] for row in rows] == [
        ["Room 101 Echo 2", "volume", "20", "30", ""],
        ["Room 101 Echo 1", "volume", "", "", "DEVICE_UNREACHABLE"],
    ]
    done = dry_run(run, service, *arguments, "--json")
    [row] = map(json.loads, done.stdout.splitlines())
    assert row["unit_id"] == service.world["rooms"][0]
    assert [(each["device"], each["current"], each["new"]) for each in row["changes"]] == [
        ("Room 101 Echo 2", 20, 30),
        ("Room 101 Echo 1", None, None),
    ]


def test_a_room_that_cannot_be_read_is_a_row(run: Run, service: Service) -> None:
    service.script("offline", ids=[service.world["endpoints"][0]])
    done = dry_run(run, service, "reset", "--volume", "30")
    assert done.returncode == 3
    first = done.stdout.splitlines()[0].split("\t")
    assert first[2] == "volume 20 → 30; volume of Room 101 Echo 1 cannot be read: DEVICE_UNREACHABLE"
    assert "(11 rooms to change, 1 room not read)" in done.stderr


def test_a_dry_run_stops_if_the_service_is_down(run: Run, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", lambda low, _: low)
    service.script("faults", operation="unit_settings.get_default_music_station", kind="status", status=503, times=None)
    done = dry_run(run, service, "station", "--station", "IHR_JAZZ", "--concurrency", "1")
    assert (done.returncode, len(done.stdout.splitlines())) == (3, 5)
    assert "stopped: the service is down" in done.stderr


def test_a_dry_run_leaves_out_what_the_journal_calls_done(run: Run, service: Service, tmp_path: Path) -> None:
    job = ("alarms", "--journal", str(tmp_path / "alarms.db"))
    below = ("--under", service.facts["organization_id"])
    assert run("fleet", "run", *job, *below, "--sample", "1", "--yes", env=service.environment).returncode == 0
    service.http.delete("/_simulator/calls")
    done = dry_run(run, service, *job)
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 11)
    assert "alarms.db (1 more rooms are done or failed)" in done.stderr
    assert run("fleet", "run", *job, *below, "--yes", env=service.environment).returncode == 0
    service.http.delete("/_simulator/calls")
    assert dry_run(run, service, *job).stdout == ""


# The question


def asked(terminal: Callable[..., Terminal], service: Service, *more: str) -> tuple[Terminal, str]:
    """Start a command, and return what it shows up to the question."""
    arguments = ("fleet", "run", "alarms", "--under", service.facts["organization_id"], *more)
    shown = terminal(*arguments, env={**service.environment, "COLUMNS": "80"})
    return shown, shown.read(until=PROMPT)


@pytest.mark.apart
def test_a_change_is_shown_before_it_is_made(terminal: Callable[..., Terminal], service: Service) -> None:
    shown, text = asked(terminal, service)
    assert text.replace("\r\n", "\n").endswith(
        "alarms:\n"
        "  rooms:   12 in Seaside 1 / Floor 1\n"
        "  delete:  all alarms\n"
        "  calls:   12; duration unknown (no rates are learned yet)\n"
        "  journal: none: the run cannot be resumed (--journal FILE)\n"
        "Delete all alarms of 12 rooms? [y/N] "
    )
    assert changes(service) == []
    shown.write("Yes\n")
    assert "alarms: 12 done" in shown.read()
    assert shown.process.wait(30) == 0
    assert changes(service) == [DELETE] * 12


@pytest.fixture
def questions(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Refuse every question in this process, and return what was asked."""
    found: list[str] = []

    async def refuse(lines: list[str], question: str) -> int:
        found.append("\n".join([*lines, question]))
        return 1

    monkeypatch.setattr("alexa_props.cli.fleet_run.has_terminal", lambda: True)
    monkeypatch.setattr("alexa_props.cli.fleet_run.confirm", refuse)
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    return found


def test_rooms_that_the_journal_calls_done_are_not_asked_about(
    questions: list[str], run: Run, screen: Run, service: Service, tmp_path: Path
) -> None:
    journal = ("--journal", str(tmp_path / "a.db"))
    arguments = ("fleet", "run", "alarms", "--under", service.facts["organization_id"], *journal)
    service.script("offline", ids=[service.world["endpoints"][0]])
    assert run(*arguments, "--sample", "4", "--yes", env=service.environment).returncode == 3
    for more, count, ended in (
        ((), 8, "4 more rooms are done or failed"),
        (("--retry-failed",), 9, "3 more rooms are"),
    ):
        assert screen(*arguments, *more, env=service.environment).returncode == 1
        text = questions.pop()
        assert text.endswith(f"Delete all alarms of {count} rooms?")
        assert f"a.db ({ended}" in text
        assert f"  rooms:   {count} in Seaside 1" in text


def test_one_room_is_asked_about_by_name(questions: list[str], screen: Run, service: Service) -> None:
    done = screen("fleet", "run", "reset", "--under", "Room 103", "--volume", "30", env=service.environment)
    assert (done.returncode, changes(service)) == (1, [])
    [text] = questions
    assert text.endswith("Reset Room 103?")
    assert "  delete:  all alarms, timers, reminders, notifications, Bluetooth pairings\n" in text
    assert "  set:     do not disturb off, volume 30\n" in text


@pytest.mark.apart
@pytest.mark.parametrize(
    ("typed", "status", "words"),
    [
        ("\n", 1, "nothing was changed"),
        ("no\n", 1, "nothing was changed"),
        ("\x04", 1, "nothing was changed"),
        ("\x03", 130, "interrupted; nothing was changed"),
    ],
    ids=["enter", "no", "Ctrl-D", "Ctrl-C"],
)
def test_nothing_is_changed_without_a_yes(
    terminal: Callable[..., Terminal], service: Service, typed: str, status: int, words: str
) -> None:
    shown, _ = asked(terminal, service)
    shown.write(typed)
    rest = shown.read()
    assert (shown.process.wait(30), changes(service)) == (status, [])
    assert rest.rstrip().endswith(f"alexa-props: {words}")
    assert "Traceback" not in rest


@pytest.mark.apart
def test_earlier_input_is_no_reply(terminal: Callable[..., Terminal], service: Service) -> None:
    service.script("latency", seconds=0.5, operation="units.get")
    arguments = ("fleet", "run", "alarms", "--under", service.facts["organization_id"])
    shown = terminal(*arguments, env=service.environment)
    while not service.calls("token"):
        assert shown.process.poll() is None
    shown.write("y\n")
    shown.read(until=PROMPT)
    shown.write("\n")
    shown.read()
    assert (shown.process.wait(30), changes(service)) == (1, [])


@pytest.mark.apart
def test_a_closed_terminal_is_no_reply(terminal: Callable[..., Terminal], service: Service) -> None:
    shown, _ = asked(terminal, service)
    shown.hang_up()
    assert shown.process.wait(30) in (1, 129)
    assert changes(service) == []


@pytest.mark.apart
def test_a_list_on_standard_input_leaves_the_terminal_for_the_question(
    terminal: Callable[..., Terminal], service: Service, tmp_path: Path
) -> None:
    (tmp_path / "rooms.txt").write_text("\n".join(service.world["rooms"]))
    shown = terminal(
        *("fleet", "run", "alarms", "--from", "-", "--json"),
        env=service.environment,
        stdin=tmp_path / "rooms.txt",
    )
    shown.read(until=PROMPT)
    shown.write("y\n")
    shown.read()
    assert (shown.process.wait(30), len(changes(service))) == (0, 12)


def test_without_a_terminal_a_change_of_several_rooms_needs_a_yes(
    start: Start, run: Run, monkeypatch: pytest.MonkeyPatch, service: Service, tmp_path: Path
) -> None:
    path = tmp_path / "rooms.txt"
    path.write_text("\n".join(service.world["rooms"][:2]))
    arguments = ("fleet", "run", "reset", "--volume", "30", "--from")
    words = "this changes 2 rooms, and there is no terminal to ask on: add --yes"
    with path.open() as rooms:
        process = start(*arguments, "-", env=service.environment, stdin=rooms)
        assert words in process.communicate(timeout=60)[1]
    assert process.returncode == 2

    monkeypatch.setattr("alexa_props.cli.fleet_run.has_terminal", lambda: False)
    done = run(*arguments, str(path), env=service.environment)
    assert (done.returncode, words in done.stderr, changes(service)) == (2, True, [])
    for source in ("-", str(path)):
        path.write_text(service.world["rooms"][0])
        done = run(*arguments, source, env=service.environment, text=path.read_text())
        assert (done.returncode, words in done.stderr) == (0, False), done.stderr
