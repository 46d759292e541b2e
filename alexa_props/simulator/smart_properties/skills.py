"""Skills that are enabled for units. Every skill id is known; those of subscriptions are special.

At first each room has one skill, and each property a subscription.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import random
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from alexa_props.simulator.bodies import batch, require_members
from alexa_props.simulator.context import Context
from alexa_props.simulator.requests import known_unit, page
from alexa_props.simulator.responses import Json, Problem, Response, accepted, json_response, no_content
from alexa_props.simulator.routes import route
from alexa_props.simulator.store import Key
from alexa_props.simulator.tree import Unit
from alexa_props.simulator.world import World

__all__ = ["SUBSCRIPTIONS", "require_subscription", "room_skill"]

ALL = "/v1/skills/enablements"
ONE = "/v1/skills/{skillId}/enablements"

MOST_UNITS = 100
MOST_RESULTS = 100
STAGES = ("development", "certification", "live")
EXPANDED = "nameFreeInvocation"

_PROPERTY_LEVEL, _ROOM_LEVEL = 1, 3
_PREFIX = "amzn1.ask.skill."
SUBSCRIPTIONS = tuple(
    _PREFIX + each
    for each in (
        "a4697856-173d-4b66-91a3-ef4b083992f5",  # that of the seed's properties
        "b4ca54a9-5e5f-4c60-93a0-d4cbd48640f2",
        "90c5a544-3ea5-459e-8275-b925a0f84224",
        "eac80ad0-ab7d-41db-9f21-1e34747c7cb5",
        "de46bda1-550d-4381-9a08-17204f9e935e",
        "b70682dd-67b0-4775-acae-f8d2ee278322",
        "3c136caa-8b11-4210-a5e9-7bdd9f2c606a",
        "fba6aef7-cc2c-474a-992a-68b118970548",
        "ae0c1da0-5068-4b71-ac8e-d4f3c230ef84",
        "06322139-c2a9-4c59-a4b6-354b37aafb33",
        "2d1e40fa-3611-41d2-8b41-f4fb76ab4829",
        "bf08c62f-49e9-4318-a79d-b7eb0787f62f",
        "54da35b3-2ba1-489c-8034-8eca7b12a29b",
        "45e4d2c4-54b4-4186-af3f-3f51d22e45f6",
        "19d6addf-71d4-43ae-8dba-1b83142db872",
        "5e0d3ba5-3e4f-4c83-8e24-0e6791451d8d",
        "a501f73e-aaf7-4d9b-a5b4-67c37b1bbabf",
        "6a39c06f-58b4-4adb-8c7f-a75a9ca3f7e1",
    )
)
"""Skills that assign a subscription to a property."""

_Key = tuple[str, str]
"""Skill and stage."""


@attrs.define
class _Enablement:
    skill_id: str
    stage: str
    unit_id: str
    position: int
    begins: float = -math.inf
    """When it is ENABLED, on the monotonic clock."""
    ends: float = math.inf
    """When it is gone."""
    linked: bool = False
    locales: Sequence[str] = ()

    def json(self, time: float, expands: Sequence[object]) -> Json:
        body: dict[str, Json] = {
            "skill": {"id": self.skill_id, "stage": self.stage},
            "unit": {"id": self.unit_id},
            "accountLink": {"status": "LINKED" if self.linked else "NOT_LINKED"},
            "status": "ENABLED" if time >= self.begins else "ENABLING",
        }
        return {**body, EXPANDED: {"locales": self.locales}} if expands else body


@attrs.frozen
class _State:
    by_unit: dict[str, dict[_Key, _Enablement]] = attrs.field(factory=dict)
    used_codes: set[bytes] = attrs.field(factory=set, repr=False)
    """Digests of the codes that linked an account: each is valid for one use."""
    positions: Iterator[int] = attrs.field(factory=lambda: itertools.count(2))


_STATE: Key[_State] = Key("skills", lambda _: _State())


def room_skill(world: World) -> str:
    """Return the skill that is enabled for all rooms."""
    rng = random.Random(f"{world.seed}/skill")  # noqa: S311 - must be repeatable
    return f"{_PREFIX}{uuid.UUID(bytes=rng.randbytes(16), version=4)}"


def _enabled(context: Context, unit: Unit) -> dict[_Key, _Enablement]:
    """Return what is enabled for a unit, or about to be."""
    by_unit = context.service.store[_STATE].by_unit
    if unit.id not in by_unit:
        first = {_PROPERTY_LEVEL: SUBSCRIPTIONS[0], _ROOM_LEVEL: room_skill(context.service)}.get(unit.level)
        by_unit[unit.id] = (
            {} if unit.is_new or first is None else {(first, "live"): _Enablement(first, "live", unit.id, position=1)}
        )
    found = {key: each for key, each in by_unit[unit.id].items() if each.ends > context.time}
    by_unit[unit.id] = found
    return found


def require_subscription(context: Context, unit: Unit) -> None:
    """Check that the property of a unit has a subscription that has taken effect. Inferred: the status."""
    while unit.level > _PROPERTY_LEVEL and unit.parent_id is not None:
        unit = context.service.tree.units[unit.parent_id]
    if unit.level < _PROPERTY_LEVEL:
        return
    begins = [each.begins for (skill, _), each in _enabled(context, unit).items() if skill in SUBSCRIPTIONS]
    if not begins:
        raise Problem(400, "The property has no subscription: enable the skill of one first.")
    if min(begins) > context.time:
        raise Problem(400, "The subscription of the property is not yet initialized.")


def _stage(value: object) -> str:
    if not isinstance(value, str) or value not in STAGES:
        raise Problem(400, f"stage must be one of {', '.join(STAGES)}.")
    return value


def _expands(values: object) -> Sequence[object]:
    if not isinstance(values, list) or any(each != EXPANDED for each in values):
        raise Problem(400, f"expand must be {EXPANDED}.")
    return values


def _unit_in_query(context: Context) -> Unit:
    unit_id = context.query.get("unitId")
    if unit_id is None:
        raise Problem(400, "The parameter unitId is missing.")
    return known_unit(context, unit_id)


@route("skills.list", "GET", ALL)
def list_enablements(context: Context) -> Response:
    """List the skills of a unit, at all stages."""
    unit, expands = _unit_in_query(context), _expands(context.query.getlist("expand"))
    return page(
        context,
        sorted(_enabled(context, unit).values(), key=lambda each: each.position),
        lambda each: each.json(context.time, expands),
        query=(unit.id, bool(expands)),
        most=MOST_RESULTS,
        member="items",
        mark=lambda each: each.position,
    )


@route("skills.get", "GET", ONE)
def get_enablement(context: Context) -> Response:
    """Return an enablement: 404 if the skill is not enabled at the stage, the live one by default (inferred)."""
    unit, expands = _unit_in_query(context), _expands(context.query.getlist("expand"))
    key = context.params["skillId"], _stage(context.query.get("stage", "live"))
    found = _enabled(context, unit).get(key)
    if found is None:
        raise Problem(404, "The skill is not enabled for this unit at this stage.")
    return json_response(found.json(context.time, expands))


@route("skills.get_many", "POST", f"{ALL}/batchGet")
def get_many(context: Context) -> Response:
    """List the skills of several units."""
    items = batch(context, MOST_UNITS, {"unitId": str})
    body = require_members(context.json, {})
    expands = _expands(body.get("expand", []))

    def render(item: Mapping[str, Any]) -> Json:
        enabled = _enabled(context, known_unit(context, item["unitId"])).values()
        return {"itemId": item["itemId"], "enablements": [each.json(context.time, expands) for each in enabled]}

    query = tuple((item["itemId"], item["unitId"]) for item in items), bool(expands)
    return page(context, items, render, query=query, most=MOST_RESULTS)


def _enable(context: Context, items: Sequence[Mapping[str, Any]]) -> None:
    """Enable the skill for some units; for none of them if one item is invalid."""
    state, skill = context.service.store[_STATE], context.params["skillId"]
    codes: list[bytes] = []
    for item in items:
        require_members(item, {"unitId": str, "stage": str}, {"partitionName": str})
        _require_subscribable(context, skill, known_unit(context, item["unitId"]))
        _stage(item["stage"])
        _locales(item)
        if "accountLinkRequest" in item:
            codes.append(_code(item["accountLinkRequest"]))
    if len(set(codes)) < len(codes) or state.used_codes & set(codes):
        raise Problem(400, "The authCode was used already.")
    state.used_codes.update(codes)
    for item in items:
        enabled = _enabled(context, known_unit(context, item["unitId"]))
        key = skill, item["stage"]
        # Enabling again changes the options (inferred).
        found = enabled.get(key)
        if found is None or found.ends < math.inf:
            found = _Enablement(*key, item["unitId"], next(state.positions), context.effective_from)
        found.linked = found.linked or "accountLinkRequest" in item
        found.locales = _locales(item)
        enabled[key] = found


def _require_subscribable(context: Context, skill: str, unit: Unit) -> None:
    if skill not in SUBSCRIPTIONS:
        require_subscription(context, unit)
    elif unit.level != _PROPERTY_LEVEL:
        raise Problem(400, "Only a unit below the organization can have a subscription.")
    elif any(other in SUBSCRIPTIONS and other != skill for other, _ in _enabled(context, unit)):
        raise Problem(400, "The unit has another subscription.")


def _code(link: object) -> bytes:
    body = require_members(link, {"type": str, "authCode": str, "redirectUri": str})
    if body["type"] != "AUTH_CODE":
        raise Problem(400, "type must be AUTH_CODE.")
    return hashlib.sha256(body["authCode"].encode()).digest()


def _locales(item: Mapping[str, Any]) -> Sequence[str]:
    if "nameFreeInvocationRequest" not in item:
        return ()
    locales = require_members(item["nameFreeInvocationRequest"], {"locales": list})["locales"]
    if not all(isinstance(each, str) and each for each in locales):
        raise Problem(400, "locales must be a list of strings.")
    return tuple(locales)


@route("skills.enable", "POST", ONE)
def enable(context: Context) -> Response:
    """Enable a skill for a unit: 202 (inferred)."""
    _enable(context, [require_members(context.json, {})])
    return accepted()


@route("skills.enable_many", "POST", f"{ONE}/batch")
def enable_many(context: Context) -> Response:
    """Enable a skill for several units: 202 (inferred)."""
    _enable(context, batch(context, MOST_UNITS, {"unitId": str}))
    return accepted()


def _disable(context: Context, unit: Unit, stage: str) -> None:
    """Disable the skill. One that is not enabled counts as disabled (inferred)."""
    skill = context.params["skillId"]
    found = _enabled(context, unit).get((skill, stage))
    if found is not None:
        found.ends = context.effective_from


def _require_removable(context: Context) -> None:
    if context.params["skillId"] in SUBSCRIPTIONS:
        raise Problem(403, "Only Amazon can remove the subscription of a property.")


@route("skills.disable", "DELETE", ONE)
def disable(context: Context) -> Response:
    """Disable a skill for a unit, at the live stage by default (inferred)."""
    unit, stage = _unit_in_query(context), _stage(context.query.get("stage", "live"))
    _require_removable(context)
    _disable(context, unit, stage)
    return no_content()


@route("skills.disable_many", "POST", f"{ONE}/batchDelete")
def disable_many(context: Context) -> Response:
    """Disable a skill for several units: 202 (inferred)."""
    items = [
        (known_unit(context, item["unitId"]), _stage(item.get("stage", "live")))
        for item in batch(context, MOST_UNITS, {"unitId": str})
    ]
    _require_removable(context)
    for unit, stage in items:
        _disable(context, unit, stage)
    return accepted()
