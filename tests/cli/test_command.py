"""The command as a whole: help, version, invalid options, missing packages, shell completion."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import typer.main

from alexa_props.cli.app import app
from alexa_props.cli.late import LateCommands
from tests.cli.commands import COMMAND, Run


def commands(command: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Every command and group, by its words."""
    below = getattr(command, "commands", {})
    for name in below:
        if isinstance(command, LateCommands):
            command.load(name)
    return {path: command} | {
        words: found for name, each in below.items() for words, found in commands(each, (*path, name)).items()
    }


def test_the_help_of_every_command_fits_80_columns(run: Run) -> None:
    every = commands(typer.main.get_command(app))
    assert len(every) > 20
    for path in every:
        done = run(*path, "--help", env={"COLUMNS": "80"})
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(f"Usage: {' '.join(('alexa-props', *path))} ")
        assert max(map(len, done.stdout.splitlines())) <= 80, path
        # Nothing is cut off.
        assert "..." not in re.sub(r"\[ARGS\]\.\.\.|\[KEY\]\.\.\.|KEY=VALUE\.\.\.", "", done.stdout), path
        assert "…" not in done.stdout.replace(",VALUE…", "").replace("KEY…", ""), path
        assert not set("{}") & set(done.stdout), path


def test_the_summaries_in_the_help_are_those_of_the_commands(run: Run) -> None:
    shown = " ".join(run("--help", env={"COLUMNS": "200"}).stdout.split())
    for words, command in commands(typer.main.get_command(app)).items():
        if len(words) == 1:
            sentence = " ".join(command.help.split()).partition(". ")[0].rstrip(".")
            assert f"{words[0]} {sentence.partition(':')[0]}" in shown


SLOW = ("aiohttp", "anyio", "cattrs", "httpx", "rich", "starlette", "yaml")


@pytest.mark.parametrize(
    "words", [["--help"], ["room", "reset", "--help"], ["COMPLETE"], ["COMPLETE", "units", "--depth"]]
)
def test_help_and_completion_import_nothing_slow(home: dict[str, str], words: list[str]) -> None:
    code = f"""
import sys
from alexa_props.cli import main
try:
    main()
finally:
    slow = [name for name in {SLOW} if name in sys.modules]
    assert not slow, slow
"""
    env = {**home}
    if words[0] == "COMPLETE":
        # typer's own help needs it.
        code = code.replace("('aiohttp'", "('pydantic', 'aiohttp'")
        typed = ["alexa-props", *words[1:], ""]
        env |= {
            "_ALEXA_PROPS_COMPLETE": "complete_bash",
            "COMP_WORDS": "\n".join(typed),
            "COMP_CWORD": str(len(typed) - 1),
        }
        words = []
    done = subprocess.run([sys.executable, "-c", code, *words], env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_process_prints_the_version() -> None:
    done = subprocess.run([*COMMAND, "--version"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{version('alexa-props')}\n", "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["demo", "--rooms", "0"], "--rooms"),
        (["simulate", "--port", "70000"], "--port"),
        (["nonsense"], "No such command 'nonsense'"),
        (["units", "--depth", "0"], "whole number"),
        (["station", "set", "unit-1", "nonsense"], "IHR_JAZZ"),
        (["a4b", "devices", "--filter", "DeviceName="], "KEY=VALUE"),
    ],
)
def test_invalid_options_are_refused(run: Run, arguments: list[str], words: str) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr


def test_a_missing_extra_is_named_with_what_to_install() -> None:
    code = "import sys; sys.modules['typer'] = None; from alexa_props.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == 'alexa-props: typer is not installed: pip install "alexa-props[cli]"\n'

    # What only one command needs.
    code = (
        "import sys; sys.modules['starlette'] = None; sys.argv[1:] = ['simulate', '--port', '0'];"
        "from alexa_props.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "starlette" in done.stderr

    code = "import sys; sys.modules['starlette'] = None; import alexa_props.simulator"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert 'needs starlette: pip install "alexa-props[simulator]"' in done.stderr.replace(
        "starlette.types", "starlette"
    )


# Shell completion


def test_completion_is_printed_for_the_shell_that_asks(home: dict[str, str], tmp_path: Path) -> None:
    # The shell is recognized by the name of the parent process: this bash is called fish.
    bash = shutil.which("bash")
    assert bash is not None
    named = tmp_path / "fish"
    named.symlink_to(bash)
    script = f"{' '.join(COMMAND)} --show-completion; exit $?"
    done = subprocess.run([str(named), "-c", script], env=home, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "complete --command alexa-props" in done.stdout
    assert "_ALEXA_PROPS_COMPLETE=complete_fish" in done.stdout


@pytest.mark.parametrize(("typed", "offered"), [("stat", "station"), ("login --no", "--no-browser")])
def test_completion_offers_commands_and_options(run: Run, typed: str, offered: str) -> None:
    words = f"alexa-props {typed}"
    env = {"_ALEXA_PROPS_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    done = run(env=env)
    assert (done.returncode, done.stderr) == (0, "")
    assert offered in done.stdout.split()
