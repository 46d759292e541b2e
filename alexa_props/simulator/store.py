"""Everything that handlers store. A reset empties it, and the seed fills it again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import attrs

if TYPE_CHECKING:
    from alexa_props.simulator.world import World

__all__ = ["Key", "Store"]

T = TypeVar("T")


@attrs.frozen(eq=False)
class Key(Generic[T]):
    """Names one value in a store, and makes it when it is first read after a start or a reset."""

    name: str
    make: Callable[[World], T] = attrs.field(repr=False)


class Store:
    """The values of one simulator: `store[KEY]`. A group defines its keys beside its handlers."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._values: dict[Key[Any], object] = {}

    def __getitem__(self, key: Key[T]) -> T:
        if key not in self._values:
            self._values[key] = key.make(self._world)
        return cast("T", self._values[key])

    def clear(self) -> None:
        """Discard all values."""
        self._values.clear()
