"""Shell completion: the script for each shell, and what it is answered."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.processes import COMMAND, Run


@pytest.mark.parametrize(
    ("shell", "words"), [("bash", "complete -o"), ("zsh", "#compdef alexa-props"), ("fish", "complete --command")]
)
def test_the_script_for_the_shell_that_asks(shell: str, words: str, home: dict[str, str], tmp_path: Path) -> None:
    # Who asks is found by the name of the process above: this one runs under any name.
    bash = shutil.which("bash")
    assert bash is not None
    named = tmp_path / shell
    named.symlink_to(bash)
    script = f"{' '.join(COMMAND)} --show-completion; exit $?"
    done = subprocess.run([str(named), "-c", script], env=home, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert words in done.stdout
    assert "_ALEXA_PROPS_COMPLETE=complete_" in done.stdout
    assert " alexa-props" in done.stdout


@pytest.mark.parametrize(("typed", "offered"), [("stat", "station"), ("login --no", "--no-browser")])
def test_what_can_come_next(run: Run, typed: str, offered: str) -> None:
    words = f"alexa-props {typed}"
    env = {"_ALEXA_PROPS_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    done = run(env=env)
    assert (done.returncode, done.stderr) == (0, "")
    assert offered in done.stdout.split()
