"""Several processes of one subject that begin each step together. Linux and macOS: they are forks of one process.

`python -m benchmarks.processes MODULE SECONDS` reads the arguments of each process, runs the module's coroutine
function `warm` with the first of them, and forks. Each process runs `work` with its arguments and a `Barrier`. At each
barrier all of them wait for each other and for the benchmark. `warm` imports what a first call imports: 40 processes
that do so at the same time would take longer than the rest.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, TextIO

from benchmarks.bench import ROOT, Bench

Barrier = Callable[[dict[str, Any]], Awaitable[None]]
"""Report something, and wait for the next step."""


class MissingError(Exception):
    """A package that the processes need is not installed: its name."""


class Processes:
    """Processes that were started and wait at a barrier."""

    def __init__(self, parent: subprocess.Popen[str]) -> None:
        self._parent = parent
        found = self._line()
        if "missing" in found:
            raise MissingError(found["missing"])
        self.pids: list[int] = found["pids"]
        self._killed: set[int] = set()
        self.results()

    def go(self) -> float:
        """Begin the next step; return the time (since the epoch)."""
        assert self._parent.stdin is not None  # noqa: S101 - a pipe
        began = time.time()
        self._parent.stdin.write("go\n")
        self._parent.stdin.flush()
        return began

    def kill(self, number: int) -> None:
        """Kill one of them. Its work is missing in the results."""
        self._killed.add(number)
        os.kill(self.pids[number], signal.SIGKILL)

    def results(self) -> list[dict[str, Any]]:
        """Wait until all of them are at the next barrier, and return what they reported."""
        found: list[dict[str, Any] | None] = self._line()
        if failed := [number for number, each in enumerate(found) if each is None and number not in self._killed]:
            raise RuntimeError(f"process {failed[0]} failed: {self._parent.args!r}")
        return [each for each in found if each is not None]

    def _line(self) -> Any:
        assert self._parent.stdout is not None  # noqa: S101 - a pipe
        line = self._parent.stdout.readline()
        if not line:
            raise RuntimeError(f"the processes ended early: {self._parent.args!r}")
        return json.loads(line)


@contextlib.contextmanager
def start(bench: Bench, module: str, arguments: Sequence[dict[str, Any]], *, seconds: float) -> Iterator[Processes]:
    """Start a process for each set of arguments. All end with the block, and after so many seconds at the latest.

    Raises:
        MissingError: A package is not installed.

    """
    command = [bench.python, "-m", "benchmarks.processes", module, str(seconds)]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    parent = subprocess.Popen(command, cwd=ROOT, env=env, text=True, start_new_session=True, **pipes)  # type: ignore[call-overload]  # noqa: S603 - our own
    timer = threading.Timer(seconds, _kill, [parent.pid])
    timer.start()
    try:
        parent.stdin.write(json.dumps(arguments) + "\n")
        parent.stdin.flush()
        yield Processes(parent)
    finally:
        timer.cancel()
        # All of them: they have a session of their own, which ends here.
        _kill(parent.pid)
        # It ends when the last of them has ended.
        parent.stdout.read()
        parent.wait()
        parent.stdin.close()
        parent.stdout.close()


def _kill(session: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(session, signal.SIGKILL)


def main(name: str, seconds: float) -> None:
    """Fork the processes, and pass on what they report and when the next step begins."""
    arguments: list[dict[str, Any]] = json.loads(sys.stdin.readline())
    module = importlib.import_module(f"benchmarks.{name}")
    try:
        asyncio.run(module.warm(**arguments[0]))
    except ModuleNotFoundError as error:
        _print({"missing": error.name})
        return
    pids: list[int] = []
    ends: list[socket.socket] = []
    for each in arguments:
        ours, theirs = socket.socketpair()
        if (pid := os.fork()) == 0:
            for other in [*ends, ours]:
                other.close()
            _process(module.work, each, theirs, seconds)
        theirs.close()
        pids.append(pid)
        ends.append(ours)
    _print({"pids": pids})
    reports = [end.makefile("r") for end in ends]
    while True:
        _print([_report(report) for report in reports])
        if not sys.stdin.readline():
            return
        for end in ends:
            # One may have been killed.
            with contextlib.suppress(ConnectionError):
                end.send(b"g")


def _report(stream: TextIO) -> Any:
    # A process that was killed leaves its end closed, or reset if there was something to read.
    with contextlib.suppress(ConnectionResetError):
        if line := stream.readline():
            return json.loads(line)
    return None


def _process(
    work: Callable[..., Awaitable[None]], arguments: dict[str, Any], end: socket.socket, seconds: float
) -> None:
    # Ends it even if everything above it was killed.
    signal.alarm(int(seconds) + 1)

    async def barrier(report: dict[str, Any]) -> None:
        end.sendall(json.dumps(report).encode() + b"\n")
        with contextlib.suppress(ConnectionError):
            if await asyncio.get_running_loop().run_in_executor(None, end.recv, 1):
                return
        # The benchmark is over.
        os._exit(0)

    async def run() -> None:
        await work(barrier=barrier, **arguments)

    try:
        asyncio.run(run())
    except BaseException:  # noqa: BLE001 - this process must not return into the loop that made it
        traceback.print_exc()
    finally:
        os._exit(1)


def _print(what: Any) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
