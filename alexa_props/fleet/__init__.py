"""Whole fleets: the same thing for thousands of rooms, nothing lost, everything told."""

from alexa_props.fleet.calling import collect, run
from alexa_props.fleet.outcome import Failure, Outcome, RecordedError, Status, Step, Steps, StepsFailed
from alexa_props.fleet.plan import Plan, Use, plan, recipe
from alexa_props.fleet.progress import Progress
from alexa_props.fleet.recipes import RoomDefaults, ensure_default_music_station, reset_room
from alexa_props.fleet.report import FailureRow, FleetReport, FleetStopped
from alexa_props.fleet.runner import CutOff, Run
from alexa_props.fleet.walk import Room, walk_rooms

__all__ = [
    "CutOff",
    "Failure",
    "FailureRow",
    "FleetReport",
    "FleetStopped",
    "Outcome",
    "Plan",
    "Progress",
    "RecordedError",
    "Room",
    "RoomDefaults",
    "Run",
    "Status",
    "Step",
    "Steps",
    "StepsFailed",
    "Use",
    "collect",
    "ensure_default_music_station",
    "plan",
    "recipe",
    "reset_room",
    "run",
    "walk_rooms",
]
