"""Completion in the shell: names from the last reading, settings, stations and profiles."""

from __future__ import annotations

import os
import re
import select
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.commands import Run
from tests.cli.service import Service


@pytest.fixture
def complete(run: Run, service: Service) -> Callable[..., list[str]]:
    """Returns what is offered for the last word."""

    def offered(*words: str, shell: str = "fish") -> list[str]:
        typed = "\n".join(("alexa-props", *words))
        bash = {"COMP_WORDS": typed, "COMP_CWORD": str(len(words))}
        other = {"_TYPER_COMPLETE_ARGS": f"alexa-props {' '.join(words)}", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
        environment = {**service.environment, "_ALEXA_PROPS_COMPLETE": f"complete_{shell}"}
        done = run(env=environment | (bash if shell == "bash" else other))
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.split("\n")[:-1] if done.stdout.strip() else []

    return offered


def test_names_are_offered_after_a_command_has_read_them(
    run: Run, service: Service, complete: Callable[..., list[str]]
) -> None:
    assert complete("room", "reset", "Room") == []
    service.call(lambda asp: asp.units.update(service.world["rooms"][0], "Übersuite Zürich & Söhne"))
    service.call(lambda asp: asp.units.update(service.world["rooms"][1], "Room $(touch pwned) `x`"))
    service.call(lambda asp: asp.units.update(service.world["rooms"][2], "Room *"))
    run("find", "Room", env=service.environment)
    service.script("reset")

    assert complete("room", "reset", '"Room 11') == ["Room 110", "Room 111", "Room 112"]
    assert complete("station", "get", "Über") == ["Übersuite Zürich & Söhne"]
    # What a shell would run or expand is not offered.
    assert [name for name in complete("station", "get", "Room") if not re.fullmatch(r"Room \d+", name)] == []
    assert complete("station", "get", "Seaside") == []
    assert complete("units", "Sea") == ["Seaside 1"]
    assert complete("endpoints", "--under", "Fl") == ["Floor 1"]
    paths = complete("alarms", "delete", '"Seaside 1/Floor 1/Room 11')
    assert paths == [f"Seaside 1/Floor 1/Room {number}" for number in (110, 111, 112)]
    assert complete("volume", "get", '"Room 110 E') == ["Room 110 Echo 1", "Room 110 Echo 2"]
    [serial] = complete("volume", "get", "G0JDA")
    assert complete("settings", "get", serial, "time-") == ["time-zone", "time-format"]
    assert complete("settings", "set", serial, "time-z") == ["time-zone="]
    assert complete("station", "set", serial, "IHR_JA") == ["IHR_JAZZ"]
    # Nothing was asked of the service.
    assert service.calls("units.list") == service.calls("token") == []


def test_another_login_has_other_names(run: Run, service: Service, complete: Callable[..., list[str]]) -> None:
    run("find", "Room", env=service.environment)
    assert len(complete("room", "reset", "Room")) == 12
    assert complete("room", "reset", "--profile", "other", "Room") == []


def test_a_damaged_list_of_names_offers_nothing(
    run: Run, config: dict[str, str], service: Service, complete: Callable[..., list[str]]
) -> None:
    run("find", "Room", env=service.environment)
    for path in Path(config["XDG_CACHE_HOME"], "alexa-props").glob("names-*"):
        assert path.stat().st_mode & 0o777 == 0o600
        path.write_bytes(b"\xff\t\nroom\n")
    assert complete("room", "reset", "Room") == []


BASH = shutil.which("bash")


class Shell:
    """An interactive bash with the completion of the command."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.pid, self._handle = os.forkpty()
        if self.pid == 0:
            os.execve(str(BASH), ["bash", "--norc", "--noprofile", "-i"], environment)

    def type(self, text: str, until: str, seconds: float = 20) -> str:
        """Type a text, and return what is shown once it has the other text."""
        os.write(self._handle, text.encode())
        seen, end = "", time.monotonic() + seconds
        while until not in seen and time.monotonic() < end:
            if select.select([self._handle], [], [], 0.2)[0]:
                seen += os.read(self._handle, 65536).decode(errors="replace")
        assert until in seen, seen
        return seen

    def close(self) -> None:
        os.close(self._handle)
        os.waitpid(self.pid, 0)


@pytest.mark.apart
@pytest.mark.skipif(BASH is None, reason="there is no bash")
def test_in_bash_for_real(run: Run, service: Service, home: dict[str, str]) -> None:
    service.call(lambda asp: asp.units.update(service.world["rooms"][0], "Übersuite Zürich & Söhne"))
    run("find", "Room", env=service.environment)
    scripts = str(Path(sys.executable).parent)
    environment = {**home, **service.environment, "TERM": "dumb", "PS1": "$ ", "PATH": f"{scripts}:{home['PATH']}"}
    shell = Shell({**environment, "LC_ALL": "C.UTF-8"})
    try:
        shell.type('eval "$(alexa-props --show-completion)"; echo re""ady\n', "ready")
        shell.type("echo alexa-props; alexa-props station get Room\\ 10", "Room\\ 10")
        shell.type("5\t", "5 ")
        shell.type("\n", service.world["rooms"][4])
        shell.type('alexa-props station get "Room 11', "Room 11")
        shell.type("2\t", '2" ')
        shell.type("\n", service.world["rooms"][11])
        shell.type("alexa-props station get Über\t", "\\&\\ Söhne ")
        shell.type("\n", service.world["rooms"][0])
        shell.type("exit\n", "exit")
    finally:
        shell.close()
