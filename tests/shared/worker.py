"""A process that counts in a store: `python -m tests.shared.worker STORE KEY COUNT FORKS SEED`.

STORE is a folder, or the URL of a server with the name of the account as its fragment. The record is a number and a
filling that depends on it. The process prints "ready", and for each update that has succeeded a dot; "torn" if it saw a
record that nobody wrote. FORKS children do the same; if COUNT is 0, they count until they are killed, one after the
other, at random moments. COUNT -1 stops the process (SIGSTOP) within its first update.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time

import anyio.lowlevel

from alexa_props.shared import HostShared, RedisShared, Shared, SharedUnavailable


def connect(store: str) -> Shared:
    """Return the store of an address."""
    url, _, name = store.partition("#")
    return RedisShared(url, name=name) if name else HostShared(store)


def record_of(number: int) -> bytes:
    filling = f"{number} ".encode() * (number * 37 % 700 + 1)
    return f"{number}\n".encode() + filling


def number_in(record: bytes | None) -> int:
    """Return the number in a record; -1 if the record is not one that was written."""
    number = 0 if record is None else int(record.partition(b"\n")[0])
    return number if record is None or record == record_of(number) else -1


def count(record: bytes | None, _: float) -> tuple[bytes | None, int]:
    number = number_in(record)
    return (None, number) if number < 0 else (record_of(number + 1), number + 1)


def stop(_: bytes | None, __: float) -> tuple[bytes | None, None]:
    os.kill(os.getpid(), signal.SIGSTOP)
    return None, None


async def work(shared: Shared, key: str, times: int) -> None:
    if times < 0:
        await shared.update(key, stop, patience=60)
        say("d")
    done = 0
    while times == 0 or done < times:
        try:
            number = await shared.update(key, count, patience=60)
        except SharedUnavailable as error:
            say(str(error))
            return
        say("." if number > 0 else "torn")
        done += 1
        await anyio.lowlevel.checkpoint()


def say(text: str) -> None:
    os.write(1, text.encode())


def fork(shared: Shared, key: str, times: int) -> int:
    child = os.fork()
    if child == 0:
        asyncio.run(work(shared, key, times))
        os._exit(0)
    return child


def main(store: str, key: str, times: int, forks: int, seed: int) -> None:
    say("ready")
    shared = connect(store)
    with asyncio.Runner() as runner:
        if forks:
            # The children inherit what is open.
            runner.run(work(shared, key, 1))
        children = [fork(shared, key, times) for _ in range(forks)]
        if times:
            runner.run(work(shared, key, times))
        else:
            chance = random.Random(seed)
            for child in children:
                time.sleep(chance.uniform(0.01, 0.1))
                os.kill(child, signal.SIGKILL)
        for child in children:
            os.waitpid(child, 0)
        # Nothing that the children did has disturbed the connections of their parent.
        runner.run(work(shared, key, 1))
        runner.run(shared.aclose())


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
