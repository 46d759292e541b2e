"""How commands end: their statuses, Ctrl-C, a pipe that nobody reads, a full disk, no terminal."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.cli.processes import COMMAND, Run, Service, Terminal


def start(home: Mapping[str, str], service: Service, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *arguments],
        env={**home, **service.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_wrong_credentials_are_one_line_without_them(run: Run, service: Service) -> None:
    wrong = {"ALEXA_PROPS_CLIENT_SECRET": "canary-secret", "ALEXA_PROPS_REFRESH_TOKEN": "Atzr|canary-token"}
    done = run("units", env={**service.environment, **wrong})
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert "client_id or client_secret is wrong" in line
    assert "canary" not in line


def test_half_an_environment_names_what_is_missing(run: Run) -> None:
    done = run("units", "unit-1", env={"ALEXA_PROPS_REFRESH_TOKEN": "Atzr|canary"})
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "alexa-props: the environment variable ALEXA_PROPS_CLIENT_ID is not set\n"


@pytest.mark.parametrize(
    ("operation", "arguments", "status"),
    [
        ("unit_settings.set_default_music_station", ["station", "set", "ROOM", "IHR_JAZZ"], 4),
        ("alerts.delete_timers", ["timers", "delete", "ROOM"], 4),
        ("unit_settings.get_default_music_station", ["station", "get", "ROOM"], 1),
    ],
)
def test_no_answer_to_a_change_is_a_status_of_its_own(
    run: Run, service: Service, operation: str, arguments: list[str], status: int
) -> None:
    room = service.world["rooms"][0]
    service.script("faults", operation=operation, kind="drop_after", times=None)
    done = run(*(room if argument == "ROOM" else argument for argument in arguments), env=service.environment)
    assert (done.returncode, done.stdout) == (status, "")
    [line] = done.stderr.splitlines()
    assert line.startswith(f"alexa-props: {operation}({room!r}): ")
    assert line.endswith("; the change may have been made") == (status == 4)
    assert len(service.calls(operation)) > 1


def test_a_change_that_cannot_have_left_is_an_error(run: Run, service: Service) -> None:
    gone = {"ALEXA_PROPS_TOKEN_URL": "http://127.0.0.1:1/", "ALEXA_PROPS_BASE_URL": "http://127.0.0.1:1"}
    done = run("station", "set", "unit-1", "IHR_JAZZ", env={**service.environment, **gone})
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert "was not sent" in line


@pytest.mark.parametrize(
    ("arguments", "number", "words"),
    [
        (["units"], signal.SIGINT, ""),
        (["alarms", "delete", "unit-1"], signal.SIGINT, "; the change that was under way may have been made"),
        # Otherwise the token that the refresh has just rotated might be lost.
        (["alarms", "delete", "unit-1"], signal.SIGHUP, "; the change that was under way may have been made"),
    ],
)
def test_a_signal_while_a_call_runs(
    service: Service, home: dict[str, str], arguments: list[str], number: int, words: str
) -> None:
    service.script("latency", seconds=60)
    with start(home, service, *arguments) as process:
        while not service.calls("token"):
            assert process.poll() is None
        process.send_signal(number)
        said = process.communicate(timeout=20)
    assert (process.returncode, *said) == (128 + number, "", f"alexa-props: interrupted{words}\n")


def test_ctrl_c_on_a_terminal(terminal: Callable[..., Terminal], service: Service) -> None:
    service.script("latency", seconds=60)
    started = terminal("units", env=service.environment)
    while not service.calls("token"):
        assert started.process.poll() is None
    started.write("\x03")
    shown = started.read()
    assert started.process.wait(20) == 130
    # On a line that is not that of the ^C, which the terminal shows.
    assert "\nalexa-props: interrupted" in shown
    assert "Traceback" not in shown
    # The line that says how far it is hides the cursor: it is back.
    assert shown.rfind("\x1b[?25h") > shown.rfind("\x1b[?25l")


def test_closing_the_terminal_while_a_list_is_fetched(terminal: Callable[..., Terminal], service: Service) -> None:
    service.script("latency", seconds=60)
    started = terminal("units", env=service.environment)
    while not service.calls("token"):
        assert started.process.poll() is None
    started.hang_up()
    assert started.process.wait(20) == 128 + signal.SIGHUP


def test_rows_come_as_their_page_does_and_a_closed_pipe_ends_it_quietly(service: Service, home: dict[str, str]) -> None:
    # The second page would take for ever.
    service.script("faults", operation="units.list", kind="slow", delay=60, after=1)
    with start(home, service, "units", "--depth", "all", "--json") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["id"]
        assert len(service.calls("units.list")) <= 2
        service.script("reset")
        process.kill()
    with start(home, service, "units", "--depth", "all", "--json") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.wait(20) == 141
        assert process.stderr.read() == ""
    # It stopped where it was noticed.
    assert len(service.calls("units.list")) < 3


@pytest.mark.parametrize("arguments", [["--help"], ["station", "get", "unit-1"]])
def test_nobody_reads_what_is_printed_last(service: Service, home: dict[str, str], arguments: list[str]) -> None:
    service.script("faults", operation="unit_settings.get_default_music_station", kind="status", status=204)
    with start(home, service, *arguments) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        status = process.wait(20)
        assert process.stderr.read() == ""
    assert status == (1 if arguments == ["--help"] else 141)


def test_a_full_disk_is_said_in_one_line(service: Service, home: dict[str, str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, "units", "--json"],
            env={**home, **service.environment},
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == "alexa-props: standard output cannot be written: No space left on device\n"


def test_without_standard_output_it_still_works(service: Service, home: dict[str, str]) -> None:
    room = service.world["rooms"][0]
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *COMMAND, "station", "set", room, "IHR_JAZZ"],
        env={**home, **service.environment},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(service.calls("unit_settings.set_default_music_station")) == 1


def test_an_output_that_cannot_hold_a_name_shows_it_otherwise(run: Run, service: Service) -> None:
    unit = {"id": "unit-1", "name": {"type": "PLAIN", "value": {"text": "Étage 1"}}}
    body = json.dumps({"results": [unit]})
    service.script("faults", operation="units.list", kind="status", status=200, body=body)
    done = run("units", env={**service.environment, "PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stdout) == (0, "unit-1\t\\xc9tage 1\t\t\n")


INTERRUPTED = """
import os, signal, sys

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupting())
sys.argv = ["alexa-props", "units", "unit-1"]
from alexa_props.cli import main
main()
"""


@pytest.mark.parametrize("module", ["typer", "httpx", "alexa_props.cli.fleet", "asyncio.runners"])
def test_ctrl_c_during_imports_leaves_no_traceback(home: dict[str, str], module: str) -> None:
    code = INTERRUPTED.format(module=module)
    done = subprocess.run([sys.executable, "-c", code], env=home, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr in ("", "alexa-props: interrupted\n")


def test_a_ctrl_c_that_was_ignored_at_the_start_stays_ignored(home: dict[str, str]) -> None:
    code = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)" + INTERRUPTED.format(module="typer")
    done = subprocess.run([sys.executable, "-c", code], env=home, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no login" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["units", "unit-1"], "there is no home directory to find the login in: set HOME or XDG_CONFIG_HOME"),
        (["--install-completion", "bash"], "there is no home directory: set HOME"),
    ],
)
def test_without_a_home_it_says_what_to_set(home: dict[str, str], arguments: list[str], words: str) -> None:
    env = {name: value for name, value in home.items() if name not in ("HOME", "XDG_CONFIG_HOME")}
    # A user without an entry in /etc/passwd.
    code = "import os; os.getuid = lambda: 54321; from alexa_props.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], env=env, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"alexa-props: {words}")
    assert len(done.stderr.splitlines()) == 1
