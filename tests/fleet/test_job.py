"""The name of a job: the same for the same work, and none for work that cannot be recognized with certainty."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import functools
import os
import sys
import threading
import types
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import anyio
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
    """A plain object, described by its attributes."""

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


def with_default(value: Any, *, by_name: bool = False) -> Call:
    """Return the function of a module, in a release that has this default."""

    async def call(item: str, station: Any = value) -> None: ...

    async def call_by_name(item: str, *, station: Any = value) -> None: ...

    made = call_by_name if by_name else call
    made.__module__, made.__qualname__ = __name__, "default"
    globals()["default"] = made
    return made


def client(region: Any = "NA", base_url: str | None = None) -> SmartProperties:
    return smart_properties(Service(), region=region, base_url=base_url)


def station(number: str) -> Call:
    return functools.partial(
        fleet.ensure_default_music_station, client(), station=DefaultStation("I_HEART_RADIO", number)
    )


def reset(**defaults: Any) -> Call:
    return functools.partial(fleet.reset_room, client(), defaults=fleet.RoomDefaults(**defaults))


async def refusal(call: Call, journal: Path) -> str | None:
    """Return why a journal refuses a run; None if it does not."""
    try:
        await outcomes(call, [], journal=journal)
    except errors.ConfigurationError as error:
        return str(error)
    return None


async def is_the_same(first: Call, second: Call, journal: Path) -> bool:
    """Return whether a run of `second` resumes the journal of `first`."""
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


async def test_same_work_resumes(tmp_path: Path) -> None:
    assert {name: await is_the_same(make(), make(), tmp_path / name) for name, make in SAME.items()} == dict.fromkeys(
        SAME, True
    )


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


async def test_different_work_is_refused(tmp_path: Path) -> None:
    assert {
        name: await is_the_same(first, second, tmp_path / name) for name, (first, second) in DIFFERENT.items()
    } == dict.fromkeys(DIFFERENT, False)


@pytest.mark.parametrize("by_name", [False, True])
async def test_changed_default_is_another_job(tmp_path: Path, by_name: bool) -> None:
    for number, same in (("4242", True), ("4242", True), ("s16492", False)):
        call = with_default(number, by_name=by_name)
        assert (await refusal(call, tmp_path / "journal.db") is None) == same


def local() -> Any:
    captured = "4242"

    async def call(item: str) -> str:
        return captured + item

    return call


class Odd:
    """An object with its own way to be copied may have hidden state."""

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


async def test_work_without_a_certain_name_requires_a_job(tmp_path: Path) -> None:
    for name, call in UNKNOWN.items():
        message = await refusal(call, tmp_path / "journal.db")
        assert message is not None, name
        assert "name the work (job=)" in message, name
        assert "hush" not in message
        # Without a journal it needs no name.
        async with fleet.run(call, []):
            pass
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - pathlib is for code that may block


async def test_job_name_overrides_the_call(tmp_path: Path) -> None:
    await outcomes(of_item, ["a"], journal=tmp_path / "journal.db", job="a job")
    assert await outcomes(local(), ["a"], journal=tmp_path / "journal.db", job="a job") == []


async def test_bound_arguments_are_not_in_the_journal(tmp_path: Path) -> None:
    await outcomes(bind("hush-hush"), ["a"], journal=tmp_path / "journal.db")
    assert b"hush-hush" not in (tmp_path / "journal.db").read_bytes()


SCRIPT = """
import functools, sys
import anyio
from alexa_props import fleet
async def call(rooms, item): pass
letters = frozenset("abcdefghijklmnopqrstuvwxyz")
bound = functools.partial(call, {letters: {"x": set(letters)}})
if __name__ == "__main__":
    report = anyio.run(lambda: fleet.collect(bound, ["a"], journal=sys.argv[1]))
    print(len(report), report.skipped)
"""


async def test_only_the_same_script_resumes_a_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = tmp_path / "journal.db"
    scripts = [tmp_path / folder / "script.py" for folder in ("one", "two")]
    for script in scripts:
        script.parent.mkdir()
        script.write_text(SCRIPT)

    # In another process, sets have another order.
    command = [sys.executable, "one/script.py", str(journal)]
    assert (await anyio.run_process(command, cwd=tmp_path, stderr=None)).stdout == b"1 0\n"

    def bound_in(file: Path | None) -> Call:
        """Return the call of a script, or of an interactive session."""
        main = types.ModuleType("__main__")
        exec(SCRIPT.partition("if __name__")[0], main.__dict__)
        if file is not None:
            main.__file__ = str(file)
        monkeypatch.setitem(sys.modules, "__main__", main)
        bound: Call = main.bound
        return bound

    assert await outcomes(bound_in(scripts[0]), ["a"], journal=journal) == []
    monkeypatch.chdir(tmp_path)
    assert await refusal(bound_in(Path("one/script.py")), journal) is None
    assert "belongs to the job" in str(await refusal(bound_in(scripts[1]), journal))
    message = "call was defined in an interactive session: name the work (job=)"
    assert message in str(await refusal(bound_in(None), journal))
