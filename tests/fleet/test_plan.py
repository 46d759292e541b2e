"""Plans, compared with what a run then does."""

from __future__ import annotations

import functools
import operator
from collections import Counter
from typing import Any

import pytest

from alexa_props import DefaultStation, Limits, RateLimit, SmartProperties, fleet
from alexa_props.errors import ConfigurationError
from alexa_props.fleet import CallEstimate, RoomDefaults, ensure_default_music_station, plan, recipe, reset_room
from alexa_props.limits import ScopeLimits
from alexa_props.simulator import Simulator

FAST = RateLimit(per_second=1e6)
STATION = DefaultStation("TUNEIN", "s16492")


@pytest.mark.parametrize(
    "defaults",
    [
        RoomDefaults(),
        RoomDefaults(do_not_disturb=None),
        RoomDefaults(station=STATION, volume=10, locales=("en-US",), wake_word="ALEXA", time_zone="UTC"),
    ],
)
async def test_plan_matches_the_calls_of_the_run(defaults: RoomDefaults) -> None:
    async with Simulator(rooms=7, endpoints_per_room=3) as sim:
        asp = sim.smart_properties(rate_limit=FAST)
        call = functools.partial(reset_room, asp, defaults=defaults)
        planned = plan(call, 7, endpoints=21)
        assert sim.count() == 0
        await fleet.collect(call, sim.rooms)
        made = Counter(seen.operation for seen in sim.calls if seen.operation != "token")
        assert {name: (count, count) for name, count in made.items()} == {
            name: span for name, span in planned.calls.items() if span[1]
        }
        assert (planned.job, planned.items, planned.endpoints) == ("reset_room", 7, 21)


async def test_method_of_a_client_is_one_call() -> None:
    async with Simulator(rooms=3) as sim:
        asp, a4b = sim.smart_properties(rate_limit=FAST), sim.for_business()
        for call, operation in (
            (asp.alerts.delete_alarms, "alerts.delete_alarms"),
            (asp.units.get, "units.get"),
            (a4b.devices.get, "devices.get"),
            (functools.partial(asp.unit_settings.set_default_music_station, station=STATION), None),
        ):
            found = plan(call, 12)
            assert dict(found.calls) == {operation or "unit_settings.set_default_music_station": (12, 12)}
            assert found.endpoints is None
            assert found.seconds is None


async def test_every_method_of_a_group_is_one_call_of_its_own_operation() -> None:
    async with Simulator(rooms=3) as sim:
        for client in (sim.smart_properties(), sim.smart_properties().with_options(deadline=5.0), sim.for_business()):
            for name in (each.name for each in client.operations() if each.name != "login.profile"):
                call = operator.attrgetter(name)(client)
                assert dict(plan(call, 1).calls) == {name: (1, 1)}


async def test_a_method_for_many_items_is_one_call_per_batch() -> None:
    async with Simulator(rooms=3) as sim:
        asp = sim.smart_properties()
        assert dict(plan(functools.partial(asp.skills.enable_many, "skill"), 250).calls) == {
            "skills.enable_many": (3, 3)
        }
        assert dict(plan(asp.notifications.send, 0).calls) == {"notifications.send": (0, 0)}
        enable = functools.partial(asp.skills.enable_many, "skill")
        await fleet.collect_many(enable, sim.rooms, size=2)
        assert dict(plan(enable, 3, size=2).calls) == {"skills.enable_many": (2, 2)}
        assert sim.count("skills.enable_many") == 2


async def test_optional_calls_are_a_range() -> None:
    async with Simulator(rooms=3) as sim:
        asp = sim.smart_properties()
        found = plan(functools.partial(ensure_default_music_station, asp, station=STATION), 40)
        assert dict(found.calls) == {
            "unit_settings.get_default_music_station": (40, 40),
            "unit_settings.set_default_music_station": (0, 40),
        }
        assert "unit_settings.set_default_music_station: 0 to 40 calls" in str(found)
        assert "duration: unknown" in str(found)


def limits(**rates: float) -> dict[str, ScopeLimits]:
    return {name.replace("__", "."): ScopeLimits(rate=rate, ceiling=rate) for name, rate in rates.items()}


def test_slowest_operation_determines_the_duration() -> None:
    @recipe(lambda unit_id: [CallEstimate("a.one", per_item=2), CallEstimate("a.two", per_endpoint=1, perhaps=True)])
    async def both(unit_id: str) -> None: ...

    rates = limits(a__one=10.0, a__two=1.0)
    found = plan(both, 100, endpoints=50, limits=rates)
    assert found.seconds == (20.0, 50.0)
    assert str(found).splitlines()[-1] == "  duration: about 20 to 50 s at the learned rates"
    # Unknown if one of the rates is.
    assert plan(both, 100, endpoints=50, limits=limits(a__one=10.0)).seconds is None
    # One quota for all operations.
    assert plan(both, 100, endpoints=50, limits=limits(together=5.0)).seconds == (40.0, 50.0)


async def test_uses_the_rates_of_the_client() -> None:
    async with Simulator(rooms=3) as sim:
        asp = sim.smart_properties(rate_limit=RateLimit(per_second=50))
        await asp.units.get(sim.rooms[0])
        assert plan(asp.units.get, 100).seconds == (2.0, 2.0)
        known = Limits(
            limits(unit_settings__get_default_music_station=4.0, unit_settings__set_default_music_station=2.0)
        )
        other = sim.smart_properties(limits=known)
        assert plan(functools.partial(ensure_default_music_station, other, station=STATION), 8).seconds == (2.0, 4.0)


async def test_refuses_invalid_plans() -> None:
    async def own(unit_id: str) -> None: ...

    async with Simulator(rooms=1) as sim:
        asp: SmartProperties = sim.smart_properties(rate_limit=FAST)
        with pytest.raises(ConfigurationError, match="does not declare its operations"):
            plan(own, 3)
        with pytest.raises(ConfigurationError, match="does not declare its operations"):
            plan(asp.request, 3)
        with pytest.raises(ConfigurationError, match="endpoints="):
            plan(functools.partial(reset_room, asp, defaults=RoomDefaults()), 3)
        wrong: Any
        for wrong in (-1, True, "3", None, 10**400):
            with pytest.raises(ConfigurationError, match="items"):
                plan(asp.units.get, wrong)
        for wrong in (-1, True, "3"):
            with pytest.raises(ConfigurationError, match="endpoints"):
                plan(asp.units.get, 3, endpoints=wrong)
        for wrong in (0, True, "3"):
            with pytest.raises(ConfigurationError, match="size"):
                plan(asp.units.get, 3, size=wrong)
