"""Reports for people: HTML in a notebook, and tables in a terminal."""

from __future__ import annotations

import io
import sys
from html.parser import HTMLParser
from typing import Any

import pytest

from alexa_props.errors import ConfigurationError
from alexa_props.fleet.report import FleetReport
from tests.fleet.reports import (
    EMPTY,
    failed,
    in_property,
    offline,
    report_of,
    throttled,
)


class Tables(HTMLParser):
    """The tables of a page, and the text outside them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.text: list[str] = []
        self._table: list[list[str]] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.open.append(tag)
        if tag == "tr":
            self._table.append([])
        elif tag in ("td", "th"):
            self._table[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1] == "caption":
            self._table = self.tables.setdefault(data, [])
        elif self.open[-1] in ("td", "th"):
            self._table[-1][-1] += data
        else:
            self.text.append(data)


def test_html(report: FleetReport[str, None]) -> None:
    page = Tables(report._repr_html_())
    assert page.text == ["7 items: 2 done, 4 failed, 1 unknown, 3 skipped, in 41.2 s"]
    assert page.tables["Failures by code"] == [
        *(["code", "failures"], ["DEVICE_UNREACHABLE", "3"], ["Throttled", "2"], ["TransportError", "1"])
    ]
    assert page.tables["Failures by property"] == [
        *(["property", "failures"], ["Hotel 1", "4"], ["none", "1"], ["Hotel 0", "1"])
    ]
    header, *lines = page.tables["Failures"]
    assert header == [
        "key",
        "property",
        "endpoint",
        "status",
        "code",
        "description",
    ]
    assert len(lines) == 6
    assert lines[1] == ["room-1", "Hotel 1", "endpoint-b", "failed", "DEVICE_UNREACHABLE", "offline"]
    assert Tables(EMPTY._repr_html_()).tables == {}


def test_html_is_limited() -> None:
    report = report_of(
        *(failed(f"room-{number}", offline("room", "endpoint", code=f"CODE_{number}")) for number in range(1052))
    )
    page = Tables(report._repr_html_())
    assert [len(table) for table in page.tables.values()] == [51, 51]
    assert page.text[1:] == ["and 1,002 more", "and 1,002 more"]
    assert list(page.tables) == ["Failures by code", "Failures"]  # the items have no property


ODD = "</td><script>alert('[red]')</script>&amp;\x1b[2J\x07"


def odd_report() -> FleetReport[str, None]:
    room = in_property(ODD, ODD, ODD)
    return report_of(failed(room, offline(room, ODD, code=ODD, text=ODD)), stopped=ODD)


def test_html_is_escaped() -> None:
    page = Tables(odd_report()._repr_html_())
    assert "script" not in page.tags
    assert page.tables["Failures"][1] == [ODD, ODD, ODD, "failed", ODD, ODD]
    assert page.tables["Failures by code"][1] == [ODD, "1"]
    assert page.tables["Failures by property"][1] == [ODD, "1"]


def rendered(report: FleetReport[Any, Any], monkeypatch: pytest.MonkeyPatch) -> str:
    from rich.console import Console

    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "TERM"):
        monkeypatch.delenv(name, raising=False)
    console = Console(file=io.StringIO(), width=1000)
    with console.capture() as capture:
        console.print(report)
    return capture.get()


def test_rich_tables(report: FleetReport[str, None], monkeypatch: pytest.MonkeyPatch) -> None:
    text = rendered(report, monkeypatch)
    assert text.splitlines()[0] == "7 items: 2 done, 4 failed, 1 unknown, 3 skipped, in 41.2 s"
    lines = [[cell.strip() for cell in line.strip("│").split("│")] for line in text.splitlines() if "│" in line]
    assert ["DEVICE_UNREACHABLE", "3"] in lines
    assert ["Hotel 1", "4"] in lines
    assert ["room-1", "Hotel 1", "endpoint-b", "failed", "DEVICE_UNREACHABLE", "offline"] in lines
    many = report_of(*[failed("room", throttled("room"))] * 60)
    assert "and 10 more" in rendered(many, monkeypatch)
    assert rendered(EMPTY, monkeypatch) == f"{EMPTY}\n"


def test_rich_tables_are_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    text = rendered(odd_report(), monkeypatch)
    # In the first line, by code, by property, and in five cells of the failure.
    assert text.count("</td><script>alert('[red]')</script>&amp; [2J ") == 8
    assert not {character for character in text if ord(character) < 32 and character != "\n"}
    assert "\x1b" not in str(odd_report())


def test_rich_is_optional(report: FleetReport[str, None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rich.console", None)
    with pytest.raises(ConfigurationError, match=r"pip install .alexa-props\[cli\]."):
        report.__rich__()
    assert "7 items" in str(report)
