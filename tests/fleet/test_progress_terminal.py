"""The progress bar on a terminal of its own: one line at any width, and what is left of it."""

from __future__ import annotations

import fcntl
import os
import re
import struct
import subprocess
import sys
import termios
import unicodedata
from typing import Final

import pytest

pytestmark = pytest.mark.apart

PROGRAM: Final = """
import sys, anyio
from alexa_props import fleet

async def reset_room(room):
    await anyio.sleep(0.03)
    if room % 20 == 0:
        raise ValueError(room)
    if room % 32 == 0:
        raise TimeoutError(room)


items = {"fails": range(5_000, 5_064), "good": range(5_001, 5_020)}[sys.argv[1]]
options = {"title": title for title in sys.argv[2:]}
anyio.run(lambda: fleet.collect(reset_room, items, progress=True, job='reset {"volume": 30}', **options))
"""
LISTING: Final = """
from alexa_props import fleet
with fleet.progress.listing("reset room") as show:
    for units in (50, 100, 150):
        __import__("time").sleep(0.11)
        show(units, 2 * units)
print("done")
"""
TITLE: Final = "reset room"


class Screen:
    """What a terminal of a given width shows, and every state that a line had."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.lines = [""]
        self.states: list[str] = []
        self.wraps = 0
        self._row = self._column = 0

    def feed(self, text: str) -> None:
        for part in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|.", text, re.DOTALL):
            self._feed(part)

    def _feed(self, part: str) -> None:
        line = self.lines[self._row]
        if part in "\r\n":
            self.states += [line] if line.strip() else []
            self._column = 0
            self._row += part == "\n"
            self.lines += [""] * (self._row + 1 - len(self.lines))
        elif part.endswith("K") and part.startswith("\x1b"):
            self.lines[self._row] = ""
        elif part.endswith("A") and part.startswith("\x1b"):
            self._row -= 1
        elif not part.startswith("\x1b"):
            if self._column == self.width:
                self.wraps += 1
            self.lines[self._row] = line[: self._column].ljust(self._column) + part + line[self._column + 1 :]
            self._column += 1

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.lines).strip("\n")


def cells(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in line.rstrip())


def on_terminal(program: str, *arguments: str, width: int = 80, **env: str) -> tuple[Screen, str]:
    """Run a program on a terminal, and return what its screen shows and what it wrote."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    left_out = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "TTY_COMPATIBLE", "TTY_INTERACTIVE")
    environment = {name: value for name, value in os.environ.items() if name not in left_out}
    with subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**environment, "TERM": "xterm-256color", **env},
    ) as process:
        os.close(theirs)
        written = b""
        try:
            while chunk := os.read(ours, 65_536):
                written += chunk
        except OSError:  # Linux says so when the program has ended
            pass
        finally:
            os.close(ours)
    text = written.decode()
    assert process.returncode == 0, text
    screen = Screen(width)
    screen.feed(text)
    return screen, text


@pytest.mark.parametrize(
    ("width", "last"),
    [
        (30, r"64 of 64, 4 failed, 2 unknown"),
        (60, r"reset room 64 of 64, 4 failed, 2 unknown, 0:00:0\d elapsed"),
        (80, r"reset room ━{8,} 64 of 64, 4 failed, 2 unknown, [\d.]+/s, 0:00:0\d elapsed"),
        (200, r"reset room ━{40} 64 of 64, 4 failed, 2 unknown, [\d.]+/s, 0:00:0\d elapsed"),
    ],
)
def test_bar_is_one_line_at_any_width(width: int, last: str) -> None:
    screen, _ = on_terminal(PROGRAM, "fails", TITLE, width=width)
    assert screen.wraps == 0
    assert re.fullmatch(last, screen.text)
    assert len(screen.states) > 3
    assert max(map(cells, screen.states)) < width


def test_bar_without_colours() -> None:
    coloured, bare = on_terminal(PROGRAM, "fails", "reset"), on_terminal(PROGRAM, "fails", "reset", NO_COLOR="1")
    assert "\x1b[33m4 failed" in coloured[1]
    assert not re.search(r"\x1b\[[0-9;]*m", bare[1])
    assert "64 of 64, 4 failed, 2 unknown" in bare[0].text
    # What is left of the bar is blank.
    assert re.match("reset {20,}0 of 64, ", bare[0].states[0])


def test_dumb_terminal_gets_no_bar() -> None:
    screen, written = on_terminal(PROGRAM, "fails", TITLE, TERM="dumb")
    assert (screen.text, written) == ("", "")


def test_wide_and_markup_titles() -> None:
    screen, _ = on_terminal(PROGRAM, "good", "客室をリセット [red]a[/red] for all the rooms on every floor", width=80)
    assert max(map(cells, screen.states)) < 80
    assert screen.text.startswith("客室をリセット [red]a[/red] for all")


def test_listing_disappears_at_the_end() -> None:
    screen, _ = on_terminal(LISTING)
    assert [re.sub(" ━+ ", " ", state) for state in screen.states if state != "done"][:4] == [
        "reset room listing rooms: 0 units",
        "reset room listing rooms: 50 units, 100 devices",
        "reset room listing rooms: 100 units, 200 devices",
        "reset room listing rooms: 150 units, 300 devices",
    ]
    assert (screen.text, screen.wraps) == ("done", 0)
