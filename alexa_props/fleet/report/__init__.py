"""The report of a run: counts, failures by code, property and endpoint, and tables for people and for other tools."""

from alexa_props.fleet.report.display import ReportTables
from alexa_props.fleet.report.fleet_report import FleetReport
from alexa_props.fleet.report.rows import FailureRow
from alexa_props.fleet.report.stopped import FleetStopped, report_of

__all__ = ["FailureRow", "FleetReport", "FleetStopped", "ReportTables", "report_of"]
