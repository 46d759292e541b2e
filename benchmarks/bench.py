"""What the questions share: subjects run in turn, and tables of medians and ranges. Standard library only."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parent.parent
Samples = Sequence[float]


class Bench(NamedTuple):
    """How to run: the peers' interpreter, the kind of server, quick or in full."""

    python: str
    server: str
    quick: bool
    may_miss: bool

    @property
    def rounds(self) -> int:
        """How often each subject runs."""
        return 1 if self.quick else 5

    @property
    def cpu_rounds(self) -> int:
        """The same where times are measured: they scatter more than counts."""
        return 1 if self.quick else 7


class Table(NamedTuple):
    """An answer: a row for each subject, and in each cell one sample a round, or None where there is none.

    `extra` goes into the JSON only.
    """

    title: str
    columns: tuple[str, ...]
    rows: dict[str, tuple[Samples | None, ...]]
    note: str = ""
    extra: Any = None


def ask(bench: Bench, module: str, function: str, **arguments: Any) -> dict[str, Any] | None:
    """What a function of a question gives, run in a process of its own; None where its peer is not installed."""
    command = [bench.python, "-m", "benchmarks.subject", module, function, json.dumps(arguments)]
    # A checkout that may not keep its compiled files would be compiled at every import, an installed package is not.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(command, cwd=ROOT, env=env, check=False, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own
    if done.returncode:
        raise RuntimeError(f"{module}.{function}({arguments}) failed")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if "missing" not in result:
        return result
    if not bench.may_miss:
        raise RuntimeError(f"{module}.{function}({arguments}) needs {result['missing']}, which is not installed")
    return None


def in_turn(
    bench: Bench, subjects: Mapping[str, Callable[[], dict[str, Any] | None]], rounds: int | None = None
) -> dict[str, list[dict[str, Any]]]:
    """Rounds of all subjects, A B C A B C: what each gave, round by round. One that is missing is left out."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in subjects}
    for turn in range(rounds or bench.rounds):
        for name, subject in subjects.items():
            began = time.monotonic()
            if name in found and (result := subject()) is not None:
                found[name].append(result)
            else:
                found.pop(name, None)
            say(f"  round {turn + 1}: {name}, {time.monotonic() - began:.1f} s")
    return found


def ratios(above: Samples | None, below: Samples | None) -> Samples | None:
    """Round by round, how many times `below` is `above`."""
    return None if above is None or below is None else [a / b for a, b in zip(above, below, strict=True)]


def samples(rounds: list[dict[str, Any]] | None, key: str) -> Samples | None:
    """One figure of a subject, round by round."""
    return None if rounds is None else [float(found[key]) for found in rounds]


def shown(cell: Samples | None) -> str:
    """A cell as text: the median, and the range where there is one."""
    if not cell:
        return ""
    middle, low, high = (_number(value) for value in (statistics.median(cell), min(cell), max(cell)))
    return middle if low == high else f"{middle} ({low}-{high})"


def markdown(table: Table) -> str:
    """A table in Markdown."""
    head = ["", *table.columns]
    lines = [head, ["---"] + ["---:"] * len(table.columns)]
    lines += [[name, *map(shown, cells)] for name, cells in table.rows.items()]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = [[text.ljust(width) for text, width in zip(line, widths, strict=True)] for line in lines]
    rows = [f"| {' | '.join(line)} |" for line in padded]
    rounds = max(len(cell or ()) for cells in table.rows.values() for cell in cells)
    title = f"**{table.title}**" + (f", medians of {rounds} rounds (smallest-largest)" if rounds > 1 else "")
    return "\n".join([title, "", *rows, *(["", table.note] if table.note else [])])


def _number(value: float) -> str:
    if value == 0 or abs(value) >= 100:  # noqa: PLR2004 - three digits
        return f"{value:,.0f}"
    return f"{value:.3g}"


def say(text: str) -> None:
    """Tell whoever waits; standard output is for results."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
