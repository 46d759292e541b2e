"""What is deleted along with a unit, an endpoint, a communication profile or a contact: one rule for all groups.

Documented: the units below a unit and its associations with address books have to be deleted before the unit, and the
contacts that point at a profile are deleted with it.

Inferred: everything else that was made for one of these is deleted with it, as are automations, event subscriptions,
device groups, the profile and the discovery sessions of a unit. A campaign or a device group for several of them loses
only the one; a campaign for none is deleted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, TypeAlias

from alexa_props.simulator.world import World

__all__ = ["delete_dependents", "when_deleted"]

Kind = Literal["unit", "endpoint", "profile", "contact"]
CleanUp: TypeAlias = Callable[[World, str], None]

_CLEAN_UPS: Final[dict[Kind, list[CleanUp]]] = {"unit": [], "endpoint": [], "profile": [], "contact": []}


def when_deleted(kind: Kind) -> Callable[[CleanUp], CleanUp]:
    """Register the decorated function, which is called with the world and the id of each thing that is deleted.

    For an endpoint, also when it moves to another unit, since its id may change.
    """

    def decorate(clean_up: CleanUp) -> CleanUp:
        _CLEAN_UPS[kind].append(clean_up)
        return clean_up

    return decorate


def delete_dependents(world: World, kind: Kind, id_: str) -> None:
    """Delete what depends on something that is about to be deleted.

    It must still exist: seeds that are made on first use need it.
    """
    for clean_up in _CLEAN_UPS[kind]:
        clean_up(world, id_)
