"""Smart Properties: one file per API group. Importing a group registers its routes."""

from __future__ import annotations

# A new group is added here.
from alexa_props.simulator.smart_properties import (
    alerts,
    endpoint_settings,
    endpoints,
    features,
    notifications,
    unit_settings,
    units,
)

__all__ = ["alerts", "endpoint_settings", "endpoints", "features", "notifications", "unit_settings", "units"]
