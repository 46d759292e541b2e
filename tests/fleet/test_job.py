"""The name of a job: what is certain to be the same work has the same name, and what is not certain has none."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import functools
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import attrs
import pytest

from alexa_props import DefaultStation, SmartProperties, errors, fleet
from alexa_props.settings import Secret
from alexa_props.smart_properties.setting import Setting
from tests.fleet.helpers import outcomes
from tests.helpers import Service, smart_properties

Call = Callable[[str], Any]


async def function(more: Any, item: str) -> None: ...


async def other(more: Any, item: str) -> None: ...


async def of_item(item: str) -> None: ...


def decorated(call: Call) -> Call:
    @functools.wraps(call)
    async def wrapper(item: str) -> None:
        await call(item)

    return wrapper


@decorated
async def wrapped(item: str) -> None: ...


class Hotel:
    """Plain Python: what it does follows from its attributes."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def __call__(self, item: str) -> None: ...

    async def reset(self, item: str) -> None: ...

    @classmethod
    async def of_class(cls, item: str) -> None: ...


class Slotted:
    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class SubHotel(Hotel): ...


class Kind(enum.Enum):
    A = 1
    B = 2


class Pair(NamedTuple):
    one: int
    two: int


@attrs.frozen
class Values:
    one: Any
    two: Any = 2


@dataclasses.dataclass
class Data:
    one: Any


class Text(str):
    __slots__ = ()


def bind(value: Any) -> Call:
    return functools.partial(function, value)


def with_default(value: Any) -> Call:
    """The function of a module, in a release of it that has this default."""

    async def call(item: str, station: Any = value) -> None: ...

    call.__module__, call.__qualname__ = __name__, "default"
    globals()["default"] = call
    return call


def client(region: Any = "NA", base_url: str | None = None) -> SmartProperties:
    return smart_properties(Service(), region=region, base_url=base_url)


def station(number: str) -> Call:
    return functools.partial(
        fleet.ensure_default_music_station, client(), station=DefaultStation("I_HEART_RADIO", number)
    )


def reset(**defaults: Any) -> Call:
    return functools.partial(fleet.reset_room, client(), defaults=fleet.RoomDefaults(**defaults))


async def refusal(call: Call, journal: Path) -> str | None:
    """Why a journal is refused to a run."""
    try:
        await outcomes(call, [], journal=journal)
    except errors.ConfigurationError as error:
        return str(error)
    return None


async def is_the_same(first: Call, second: Call, journal: Path) -> bool:
    """Whether a run of `second` resumes the journal of `first`; else it is refused."""
    assert await refusal(first, journal) is None
    found = await refusal(second, journal)
    assert found is None or "belongs to the job" in found
    return found is None


PORTS = iter(range(8000, 9000))
SAME: dict[str, Callable[[], Call]] = {
    "function": lambda: of_item,
    "decorated function": lambda: wrapped,
    "method": lambda: Hotel("Sea").reset,
    "class method": lambda: Hotel.of_class,
    "callable object": lambda: Hotel("Sea"),
    "client's method": lambda: client().alerts.delete_alarms,
    "client's own method": lambda: functools.partial(client().request, "GET"),
    "client of a simulator": lambda: bind(client(base_url=f"http://127.0.0.1:{next(PORTS)}")),
    "view of a client": lambda: client().with_options(deadline=next(PORTS)).alerts.delete_alarms,
    "station recipe": lambda: station("4242"),
    "reset recipe": lambda: reset(
        volume=30, station=DefaultStation("a", "b"), locales=["en-US"], settings={Setting.TIME_FORMAT: "24_HOURS"}
    ),
    "partial of a partial": lambda: functools.partial(functools.partial(function), 1),
    "values": lambda: bind(
        (
            1, "é", b"x", 1.5, None, True, (1, [2, {"a": Kind.A}]), Setting.TIME_FORMAT, Pair(1, 2), {"b", "c"},
            dt.datetime(2026, 1, 2, tzinfo=dt.UTC), dt.timedelta(1), decimal.Decimal("1.0"), uuid.UUID(int=1),
            Path("/a"), Values([1]), Data({"b"}), Text("a"), Kind, of_item,
        )
    ),
}  # fmt: skip


@pytest.mark.parametrize("make", SAME.values(), ids=SAME)
async def test_same_work_resumes(make: Callable[[], Call], tmp_path: Path) -> None:
    assert await is_the_same(make(), make(), tmp_path / "journal.db")


DIFFERENT: dict[str, tuple[Any, Any]] = {
    "functions": (functools.partial(function, 1), functools.partial(other, 1)),
    "functions that a partial binds": (bind(of_item), bind(wrapped)),
    "methods that a partial binds": (bind(Hotel("Sea").reset), bind(Hotel("Sea").__call__)),
    "objects": (Hotel("Sea"), Hotel("Hill")),
    "objects of methods": (Hotel("Sea").reset, Hotel("Hill").reset),
    "objects with slots": (bind(Slotted("Sea")), bind(Slotted("Hill"))),
    "classes of objects": (Hotel("Sea"), SubHotel("Sea")),
    "classes of class methods": (Hotel.of_class, SubHotel.of_class),
    "stations": (station("4242"), station("s16492")),
    "defaults of rooms": (reset(volume=30), reset(volume=40)),
    "settings of rooms": (
        reset(settings={Setting.TIME_FORMAT: "24_HOURS"}),
        reset(settings={Setting.TIME_FORMAT: "12_HOURS"}),
    ),
    "regions": (client("NA").alerts.delete_alarms, client("EU").alerts.delete_alarms),
    "methods of a client": (client().alerts.delete_alarms, client().alerts.delete_timers),
    "names": (functools.partial(function, item="1"), functools.partial(function, more="1")),
    "number and text": (bind(1), bind("1")),
    "number and truth": (bind(1), bind(True)),
    "texts in lists": (bind(["a", "b"]), bind(["a', 'b"])),
    "values of a set": (bind({"a", "b"}), bind({"a", "c"})),
    "values of a dict": (bind({"a": 1}), bind({"a": 2})),
    "fields": (bind(Values(1)), bind(Values(1, two=3))),
    "texts of another class": (bind("a"), bind(Text("a"))),
    "rooms": (bind(fleet.Room("a", name="1")), bind(fleet.Room("a", name="2"))),
    "times": (bind(dt.datetime(2026, 1, 2, tzinfo=dt.UTC)), bind(dt.datetime(2026, 1, 2))),  # noqa: DTZ001 - data
}


@pytest.mark.parametrize(("first", "second"), DIFFERENT.values(), ids=DIFFERENT)
async def test_different_work_is_refused(first: Call, second: Call, tmp_path: Path) -> None:
    assert not await is_the_same(first, second, tmp_path / "journal.db")


async def test_changed_default_is_another_job(tmp_path: Path) -> None:
    for number, same in (("4242", True), ("4242", True), ("s16492", False)):
        assert (await refusal(with_default(number), tmp_path / "journal.db") is None) == same


def local() -> Any:
    captured = "4242"

    async def call(item: str) -> str:
        return captured + item

    return call


class Odd:
    """What copies itself may have a state that nobody sees."""

    def __reduce__(self) -> str:
        return "odd"


ring: list[Any] = []
ring.append(ring)
deep: list[Any] = []
for _ in range(5000):
    deep = [deep]
UNKNOWN: dict[str, Any] = {
    "lambda": lambda item: of_item(item + "!"),
    "local function": local(),
    "local function that a partial binds": bind(local()),
    "local class": type("Local", (Hotel,), {"__qualname__": "local.<locals>.Local"})("Sea"),
    "function decorated elsewhere": decorated(of_item),
    "object": bind(object()),
    "lock": bind(threading.Lock()),
    "generator": bind(number for number in (1, 2)),
    "object that copies itself": bind(Odd()),
    "secret": bind(Secret("hush")),
    "lambda as a default": with_default(lambda: 1),
    "list in itself": bind(ring),
    "deep list": bind(deep),
}


@pytest.mark.parametrize("call", UNKNOWN.values(), ids=UNKNOWN)
async def test_work_without_a_certain_name_requires_a_job(call: Call, tmp_path: Path) -> None:
    journal = tmp_path / "journal.db"
    with pytest.raises(errors.ConfigurationError, match=r"name the work \(job=\)") as caught:
        await outcomes(call, ["a"], journal=journal)
    assert "hush" not in str(caught.value)
    assert not journal.exists()
    # Without a journal it needs no name.
    async with fleet.run(call, []):
        pass


async def test_job_name_overrides_the_call(tmp_path: Path) -> None:
    await outcomes(of_item, ["a"], journal=tmp_path / "journal.db", job="a job")
    assert await outcomes(local(), ["a"], journal=tmp_path / "journal.db", job="a job") == []


async def test_bound_arguments_are_not_in_the_journal(tmp_path: Path) -> None:
    await outcomes(bind("hush-hush"), ["a"], journal=tmp_path / "journal.db")
    assert b"hush-hush" not in (tmp_path / "journal.db").read_bytes()


SCRIPT = """
import functools, sys
import anyio
from alexa_props import errors, fleet
async def call(rooms, item): pass
bound = functools.partial(call, {frozenset({"a", "b", "c"}): {"x": {"d", "e", "f"}}})
async def main():
    try:
        report = await fleet.collect(bound, ["a"], journal=sys.argv[1])
    except errors.ConfigurationError as error:
        return error
    return f"{len(report)} {report.skipped}"
print(anyio.run(main))
"""


def test_only_the_same_script_resumes_a_journal(tmp_path: Path) -> None:
    journal = str(tmp_path / "journal.db")

    def run(*command: str, seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, *command, journal], capture_output=True, check=True, cwd=tmp_path, env=environment
        )
        return done.stdout.decode().strip()

    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "script.py").write_text(SCRIPT)
    assert run("one/script.py", seed="1") == "1 0"
    assert run(str(tmp_path / "one" / "script.py"), seed="2") == "0 1"
    assert "belongs to the job" in run("two/script.py", seed="1")
    assert "call was defined in an interactive session: name the work (job=)" in run("-c", SCRIPT, seed="1")
