"""The command: `python -m benchmarks [question …]`."""

from __future__ import annotations

import argparse
import datetime as dt
import importlib
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks import peers, picture, quota_changing, server
from benchmarks.bench import Bench, Table, ask, markdown, say

QUESTIONS: Final = (
    "overhead",
    "work",
    "decode",
    "imports",
    "paging",
    "token_refresh",
    "fleet",
    "inventory",
    "quota_known",
    "quota_unknown",
    "quota_changing",
    "quota_shapes",
)
BY_NAME: Final = (
    "quota_shared",
    "sharing_changing",
    "sharing_lanes",
    "sharing_faults",
    "sharing_cost",
    "shared_tokens",
)
"""Questions that are asked only by their names: together they take most of an hour, and have no peers."""
SOAK: Final = "soak"
ALONE: Final = (SOAK, "dask_fleet")
"""The same for one at a time, on this interpreter: that of the peers has no simulator."""
_HERE: Final = Path(__file__).resolve().parent


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what was asked for, and show it."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Ratios against peers, measured in one run. The first run makes an environment for the peers.",
    )
    parser.add_argument(
        "question",
        nargs="*",
        help=f"some of {', '.join(QUESTIONS)}, or how they begin; none means all of these; asked only by name:"
        f" {', '.join(BY_NAME)}; alone: {' or '.join(ALONE)}",
    )
    parser.add_argument("--minutes", type=float, default=10.0, help=f"how long {SOAK} goes on")
    parser.add_argument("--quick", action="store_true", help="one round of everything, small: under two minutes")
    parser.add_argument("--server", choices=("auto", "nginx", "fallback"), default="auto", help="auto: nginx if there")
    parser.add_argument("--json", action="store_true", help="print JSON, with every sample and count")
    parser.add_argument(
        "--write",
        action="store_true",
        help="write RESULTS.md and quota.svg here; sections of questions that were not asked stay",
    )
    parser.add_argument("--picture", action="store_true", help="write quota.svg from quota_changing")
    parser.add_argument(
        "--here", action="store_true", help="on this interpreter, without the peers that are not installed"
    )
    options = parser.parse_args(arguments)
    # Terminated, it takes its servers with it.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    alone = len(options.question) == 1 and options.question[0] in ALONE
    asked = tuple(options.question) if alone else _asked(parser, options.question)
    if options.write and (options.quick or options.here):
        parser.error("--write wants a full run: no --quick or --here beside it")
    if options.server == "nginx" and not server.nginx():
        parser.error("there is no nginx here: apt-get install nginx, or --server fallback")
    kind = options.server if options.server != "auto" else "nginx" if server.nginx() else "fallback"
    # The peers' environment has no simulator.
    python = sys.executable if options.here or alone else peers.interpreter()
    bench = Bench(python, kind, options.quick, options.here)
    report: dict[str, Any] = {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "machine": peers.machine(),
        "versions": ask(bench, "peers", "versions"),
        "server": "the simulator" if alone else server.version(kind),
    }
    answers: dict[str, list[Table]] = {}
    for question in asked:
        say(question)
        settings = {"minutes": options.minutes} if question == SOAK else {}
        answers[question] = importlib.import_module(f"benchmarks.{question}").run(bench, **settings)
        if not options.json:
            sys.stdout.write("\n\n".join([f"{_title(question)}", *map(markdown, answers[question])]) + "\n\n")
            sys.stdout.flush()
    if options.json:
        tables = {question: [table._asdict() for table in found] for question, found in answers.items()}
        sys.stdout.write(json.dumps(report | {"questions": tables}) + "\n")
    if options.write:
        kept = _HERE / "RESULTS.md"
        kept.write_text(_results(report, answers, kept.read_text() if kept.exists() else ""))
    if (options.write or options.picture) and "quota_changing" in answers:
        (_HERE / "quota.svg").write_text(picture.draw(answers["quota_changing"][0], quota_changing.PHASES))
    if SOAK in answers and answers[SOAK][0].extra["grown"]:
        sys.exit(1)


def _asked(parser: argparse.ArgumentParser, names: list[str]) -> tuple[str, ...]:
    known = (*QUESTIONS, *BY_NAME)
    if unknown := [name for name in names if not any(question.startswith(name) for question in known)]:
        parser.error(f"no such question: {', '.join(unknown)}; there are {', '.join(known)}")
    return tuple(question for question in known if question.startswith(tuple(names))) if names else QUESTIONS


def _text(question: str) -> tuple[str, str]:
    """A question's docstring: the question, and how it is measured."""
    head, _, rest = (importlib.import_module(f"benchmarks.{question}").__doc__ or "").partition("\n")
    return head, rest.strip()


def _title(question: str) -> str:
    return f"## {question}: {_text(question)[0]}"


def _results(report: dict[str, Any], answers: dict[str, list[Table]], before: str) -> str:
    """The report that is kept: new sections, and those of other questions as they were."""
    sections = {section.partition(":")[0]: section.strip() for section in before.split("\n## ")[1:]}
    about = ", ".join(f"{name} {value}" for name, value in {**report["machine"], **report["versions"]}.items())
    for question, tables in answers.items():
        text = [_title(question), _text(question)[1], *map(markdown, tables)]
        if question == "quota_changing":
            text.append("![accepted and refused requests while the quota changes](quota.svg)")
        text.append(f"{report['date']}. Server: {report['server']}. {about}.")
        sections[question] = "\n\n".join(text).removeprefix("## ")
    how = (
        "Written by `python -m benchmarks --write`. Times depend on the machine, and on what else it does; ratios"
        " within one run are what counts. Latency is made by the fallback server, whatever is said below of the others."
    )
    return (
        "\n\n".join(
            ["# Results", how, *(f"## {sections[name]}" for name in (*QUESTIONS, *BY_NAME, *ALONE) if name in sections)]
        )
        + "\n"
    )


if __name__ == "__main__":
    main()
