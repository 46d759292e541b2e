"""Alexa for Business: one file per API group. Importing a group registers its targets."""

from __future__ import annotations

# A new group is added here.
from alexa_props.simulator.for_business import devices, users

__all__ = ["devices", "users"]
