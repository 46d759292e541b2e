"""How commands end: statuses, signals, a pipe that nobody reads, a full disk, no terminal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

import pytest

import alexa_props.cli
from alexa_props.cli.app import app
from tests.cli.commands import COMMAND, Run, Start, Terminal, closed_pipe
from tests.cli.service import Service


def wait_for_token(service: Service, process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> None:
    """Wait until the command has sent its first request."""
    while not service.calls("token"):
        assert process.poll() is None


# Errors


def test_wrong_credentials_are_one_line_without_them(run: Run, service: Service) -> None:
    wrong = {"ALEXA_PROPS_CLIENT_SECRET": "canary-secret", "ALEXA_PROPS_REFRESH_TOKEN": "Atzr|canary-token"}
    done = run("units", env={**service.environment, **wrong})
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert "client_id or client_secret is wrong" in line
    assert "canary" not in line


def test_half_an_environment_names_the_missing_variable(run: Run) -> None:
    done = run("units", "unit-1", env={"ALEXA_PROPS_REFRESH_TOKEN": "Atzr|canary"})
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "alexa-props: ALEXA_PROPS_REFRESH_TOKEN is set, but not ALEXA_PROPS_CLIENT_ID and ALEXA_PROPS_CLIENT_SECRET: "
        "set all three to use the login of the environment, or unset ALEXA_PROPS_REFRESH_TOKEN to use a stored one\n"
    )


@pytest.mark.parametrize(
    ("operation", "arguments", "status"),
    [
        ("unit_settings.set_default_music_station", ["station", "set", "ROOM", "IHR_JAZZ"], 4),
        ("alerts.delete_timers", ["timers", "delete", "ROOM"], 4),
        ("unit_settings.get_default_music_station", ["station", "get", "ROOM"], 1),
    ],
)
def test_a_lost_response_to_a_change_has_its_own_status(
    *, run: Run, service: Service, operation: str, arguments: list[str], status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("random.uniform", lambda low, _: low)
    room = service.world["rooms"][0]
    service.script("faults", operation=operation, kind="drop_after", times=None)
    done = run(*(room if argument == "ROOM" else argument for argument in arguments), env=service.environment)
    assert (done.returncode, done.stdout) == (status, "")
    [line] = done.stderr.splitlines()
    assert line.startswith(f"alexa-props: {operation}({room!r}): ")
    assert line.endswith("; the change may have taken effect") == (status == 4)
    assert len(service.calls(operation)) > 1


def test_a_change_that_was_not_sent_is_an_error(run: Run, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", lambda low, _: low)
    gone = {"ALEXA_PROPS_TOKEN_URL": "http://127.0.0.1:1/", "ALEXA_PROPS_BASE_URL": "http://127.0.0.1:1"}
    done = run("station", "set", "unit-1", "IHR_JAZZ", env={**service.environment, **gone})
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert "was not sent" in line


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["units", "unit-1"], "cannot find the login without a home directory: set HOME or XDG_CONFIG_HOME"),
        (["--install-completion", "bash"], "there is no home directory: set HOME"),
    ],
)
def test_without_a_home_directory_it_says_what_to_set(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    for name in ("HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    # A user without an entry in /etc/passwd.
    monkeypatch.setattr(os, "getuid", lambda: 54321)
    # Otherwise it depends on what started the tests.
    monkeypatch.setattr("shellingham.detect_shell", lambda: ("bash", "/bin/bash"))
    monkeypatch.setattr(sys, "argv", ["alexa-props", *arguments])
    with pytest.raises(SystemExit) as exited:
        alexa_props.cli.main()
    out, err = capsys.readouterr()
    said = f"{exited.value.code}\n" if isinstance(exited.value.code, str) else err
    assert (out, len(said.splitlines())) == ("", 1)
    assert said.startswith(f"alexa-props: {words}")
    assert exited.value.code != 0


# Signals


@pytest.mark.parametrize(
    ("arguments", "number", "words"),
    [
        (["units"], signal.SIGINT, ""),
        # Killed otherwise, a command might lose the token that its refresh has just rotated.
        (["alarms", "delete", "unit-1"], signal.SIGHUP, "; the change in flight may have taken effect"),
    ],
)
def test_a_signal_interrupts_a_call(
    service: Service, start: Start, arguments: list[str], number: int, words: str
) -> None:
    service.script("latency", seconds=60)
    process = start(*arguments, env=service.environment)
    wait_for_token(service, process)
    process.send_signal(number)
    assert process.communicate(timeout=20) == ("", f"alexa-props: interrupted{words}\n")
    assert process.returncode == 128 + number


def test_ctrl_c_on_a_terminal(terminal: Callable[..., Terminal], service: Service) -> None:
    service.script("latency", seconds=60)
    started = terminal("units", env=service.environment)
    wait_for_token(service, started.process)
    started.write("\x03")
    shown = started.read()
    assert started.process.wait(20) == 130
    # On a line after that of the ^C, which the terminal echoes.
    assert "\nalexa-props: interrupted" in shown
    assert "Traceback" not in shown
    # The spinner hides the cursor: it is shown again.
    assert shown.rfind("\x1b[?25h") > shown.rfind("\x1b[?25l")


@pytest.mark.apart
def test_closing_the_terminal_while_a_list_is_fetched(terminal: Callable[..., Terminal], service: Service) -> None:
    service.script("latency", seconds=60)
    started = terminal("units", env=service.environment)
    wait_for_token(service, started.process)
    started.hang_up()
    assert started.process.wait(20) == 128 + signal.SIGHUP


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


@pytest.mark.parametrize("module", ["httpx", "asyncio.runners"])
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


# Outputs


def test_rows_arrive_with_their_page_and_a_closed_pipe_ends_it_quietly(service: Service, start: Start) -> None:
    unit = {"id": "unit-1", "name": {"type": "PLAIN", "value": {"text": "Suite"}}, "level": 3}
    for token in ("a", "b", "c"):
        page = json.dumps({"results": [unit], "paginationContext": {"nextToken": token}})
        service.script("faults", operation="units.list", kind="status", status=200, body=page, times=1)
    service.script("latency", seconds=0.1, operation="units.list")
    process = start("units", "--depth", "all", "--json", env=service.environment)
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["id"] == "unit-1"
    process.stdout.close()
    process.stdout = None
    assert process.communicate(timeout=20)[1] == ""
    assert process.returncode == 141
    # The second page could not be printed: no third one was fetched.
    assert len(service.calls("units.list")) == 2


def test_a_pipe_that_is_closed_before_the_last_row(
    service: Service, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in service.environment.items():
        monkeypatch.setenv(name, value)
    with closed_pipe() as stdout, redirect_stdout(stdout), pytest.raises(SystemExit) as exited:
        app(["station", "get", service.world["rooms"][0]])
    assert (exited.value.code, capsys.readouterr().err) == (141, "")


FULL = "alexa-props: standard output cannot be written: No space left on device\n"


def test_a_full_disk_is_reported_in_one_line(service: Service, start: Start) -> None:
    with Path("/dev/full").open("w") as full:
        process = start("units", "--json", env=service.environment, stdout=full)
        assert process.communicate(timeout=20)[1] == FULL
    assert process.returncode == 1


def test_a_full_disk_ends_the_simulator(capsys: pytest.CaptureFixture[str]) -> None:
    with Path("/dev/full").open("w") as full, redirect_stdout(full), pytest.raises(SystemExit) as exited:
        app(["simulate", "--port", "0", "--json"])
    assert (exited.value.code, capsys.readouterr().err) == (1, FULL)


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


def test_an_output_that_cannot_encode_a_name_escapes_it(run: Run, service: Service) -> None:
    unit = {"id": "unit-1", "name": {"type": "PLAIN", "value": {"text": "Étage 1"}}}
    body = json.dumps({"results": [unit]})
    service.script("faults", operation="units.list", kind="status", status=200, body=body)
    done = run("units", env=service.environment, charset="ascii")
    assert (done.returncode, done.stdout) == (0, "\\xc9tage 1\t\tunit-1\t\n")
