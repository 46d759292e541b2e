"""Discover smart home devices with a skill."""

from __future__ import annotations

from typing import Any, Final

from alexa_props.client import Resource
from alexa_props.operation import Operation

__all__ = ["OPERATIONS", "DiscoverySessions"]

OPERATIONS: Final[tuple[Operation[Any], ...]] = ()


class DiscoverySessions(Resource):
    """Discover smart home devices with a skill."""
