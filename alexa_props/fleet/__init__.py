"""Call an async function for every item of a fleet, with a journal, progress and a report."""

from alexa_props.fleet._runner import Run
from alexa_props.fleet.outcome import (
    BatchItemFailed,
    Failure,
    Interrupted,
    Outcome,
    RecordedError,
    Status,
    Step,
    Steps,
    StepsFailed,
)
from alexa_props.fleet.partition import Partition, partition
from alexa_props.fleet.plan import CallEstimate, Plan, plan, recipe
from alexa_props.fleet.progress import Progress
from alexa_props.fleet.recipes import RoomDefaults, ensure_default_music_station, reset_room
from alexa_props.fleet.report import FailureRow, FleetReport, FleetStopped, ReportTables, report_of
from alexa_props.fleet.rooms import Room, walk_rooms
from alexa_props.fleet.run import collect, collect_many, run, run_many
from alexa_props.fleet.service_down import ServiceDown

CutOff = Interrupted
"""The former name of `Interrupted`."""
Use = CallEstimate
"""The former name of `CallEstimate`."""

__all__ = [
    "BatchItemFailed",
    "CallEstimate",
    "CutOff",
    "Failure",
    "FailureRow",
    "FleetReport",
    "FleetStopped",
    "Interrupted",
    "Outcome",
    "Partition",
    "Plan",
    "Progress",
    "RecordedError",
    "ReportTables",
    "Room",
    "RoomDefaults",
    "Run",
    "ServiceDown",
    "Status",
    "Step",
    "Steps",
    "StepsFailed",
    "Use",
    "collect",
    "collect_many",
    "ensure_default_music_station",
    "partition",
    "plan",
    "recipe",
    "report_of",
    "reset_room",
    "run",
    "run_many",
    "walk_rooms",
]
