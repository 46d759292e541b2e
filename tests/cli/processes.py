"""The command as a process, with and without a terminal, and a simulator that is scripted from outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import attrs
import httpx

COMMAND = [sys.executable, "-m", "alexa_props.cli"]

# A process that is started so gets the terminal on its standard input as its own: Ctrl-C there is for it.
TAKE_TERMINAL = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


Run: TypeAlias = Callable[..., "subprocess.CompletedProcess[str]"]


@attrs.frozen
class Service:
    """The simulator, scripted from outside."""

    facts: dict[str, str]
    http: httpx.Client

    def script(self, what: str, **values: Any) -> None:
        response = self.http.post(f"/_simulator/{what}", json=values)
        assert response.is_success, response.text

    def calls(self, operation: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.http.get("/_simulator/calls", params={"operation": operation}).json()[
            "calls"
        ]
        return found

    @property
    def world(self) -> dict[str, Any]:
        world: dict[str, Any] = self.http.get("/_simulator").json()
        return world

    @property
    def environment(self) -> dict[str, str]:
        """All that the commands read; a refresh token that rotated is the latest."""
        return {
            "ALEXA_PROPS_CLIENT_ID": self.facts["client_id"],
            "ALEXA_PROPS_CLIENT_SECRET": self.facts["client_secret"],
            "ALEXA_PROPS_REFRESH_TOKEN": self.world["refresh_token"],
            "ALEXA_PROPS_BASE_URL": self.facts["base_url"],
            "ALEXA_PROPS_TOKEN_URL": self.facts["token_url"],
            "ALEXA_PROPS_ORGANIZATION_ID": self.facts["organization_id"],
            "ALEXA_PROPS_A4B_BASE_URL": self.facts["base_url"],
            "AWS_ACCESS_KEY_ID": self.facts["aws_access_key_id"],
            "AWS_SECRET_ACCESS_KEY": self.facts["aws_secret_access_key"],
            "AWS_REGION": self.facts["aws_region"],
        }


@contextmanager
def simulated(rooms: int) -> Iterator[Service]:
    """A simulator in a process of its own."""
    with subprocess.Popen(
        [*COMMAND, "simulate", "--port", "0", "--rooms", str(rooms), "--json", "--until-eof"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        facts = json.loads(process.stdout.readline())
        with httpx.Client(base_url=facts["base_url"], timeout=30) as http:
            yield Service(facts, http)


@attrs.frozen
class Terminal:
    """A terminal, and the command that has it as its own."""

    process: subprocess.Popen[bytes]
    handle: int

    def read(self, until: str | None = None) -> str:
        """What is shown up to and with a text, or to the end."""
        seen = b""
        while until is None or until.encode() not in seen:
            try:
                chunk = os.read(self.handle, 65536)
            except OSError:
                break  # Linux's way of saying that the other end is closed
            if not chunk:
                break
            seen += chunk
        return seen.decode()

    def write(self, text: str) -> None:
        os.write(self.handle, text.encode())

    def hang_up(self) -> None:
        """Close the terminal, as a window or a lost connection does."""
        # Another file in its place: the handle is closed at the end of the test.
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, self.handle)
        os.close(nowhere)
