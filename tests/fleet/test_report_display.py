"""Reports for people: HTML in a notebook, and tables in a terminal."""

from __future__ import annotations

import io
import re
from html.parser import HTMLParser

import pytest
from rich.cells import cell_len

from alexa_props.fleet.outcome import Step, Steps, StepsFailed
from alexa_props.fleet.report import FleetReport
from alexa_props.fleet.rooms import Room
from alexa_props.smart_properties.endpoints import Endpoint
from tests.fleet.reports import (
    EMPTY,
    OPERATION,
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
        if tag == "wbr":
            return
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
    extent = "3 devices in 2 items, 3 whole items"
    assert page.text == [f"7 items: 2 done, 4 failed, 1 unknown, 3 skipped, in 41.2 s; not done: {extent}"]
    assert page.tables["Failures by code"] == [
        ["code", "devices", "items"],
        *(["DEVICE_UNREACHABLE", "3", "2"], ["Throttled", "", "2"], ["TransportError", "", "1"]),
    ]
    assert page.tables["Failures by property"] == [
        *(["property", "devices", "items"], ["Hotel 1", "3", "3"], ["none", "", "1"], ["Hotel 0", "", "1"])
    ]
    header, *lines = page.tables[f"Not done: {extent}"]
    assert header == ["path", "status", "code", "item id", "id"]
    assert len(lines) == 6
    assert lines[1] == ["Hotel 1", "failed", "DEVICE_UNREACHABLE", "room-1", "endpoint-b"]
    assert lines[2] == ["Hotel 0", "failed", "Throttled", "", "room-2"]
    assert Tables(EMPTY._repr_html_()).tables == {}


def test_html_is_limited() -> None:
    report = report_of(
        *(failed(f"room-{number}", offline("room", "endpoint", code=f"CODE_{number}")) for number in range(1052))
    )
    page = Tables(report._repr_html_())
    assert [len(table) for table in page.tables.values()] == [51, 51]
    assert page.text[1:] == ["and 1,002 more", "and 1,002 more"]
    assert list(page.tables) == ["Failures by code", "Not done: 1,052 devices in 1,052 items"]  # without a property


ODD = "</td><script>alert('[red]')</script>&amp;\x1b[2J\x07"


def odd_report() -> FleetReport[str, None]:
    room = in_property(ODD, ODD, ODD)
    return report_of(failed(room, offline(room, ODD, code=ODD, text=ODD)), stopped=ODD)


def test_html_is_escaped() -> None:
    page = Tables(odd_report()._repr_html_())
    assert "script" not in page.tags
    # The ids are below their row.
    assert page.tables["Not done: 1 device in 1 room"][1:] == [[ODD] * 2, [ODD], [ODD]]
    assert page.tables["Failures by code"][1] == [ODD, "1", "1"]
    assert page.tables["Failures by property"][1] == [ODD, "1", "1"]


def rendered(shown: object, monkeypatch: pytest.MonkeyPatch, width: int = 1000) -> list[str]:
    from rich.console import Console

    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "TERM"):
        monkeypatch.delenv(name, raising=False)
    file = io.StringIO()
    Console(file=file, width=width, force_terminal=True, color_system="truecolor").print(shown)
    return file.getvalue().splitlines()


def columns(line: str) -> list[str]:
    return re.split(r"\s{2,}", line)


def test_rich_tables(report: FleetReport[str, None], monkeypatch: pytest.MonkeyPatch) -> None:
    first, *lines = rendered(report, monkeypatch)
    assert "7 items: 2 done, 4 failed, 1 unknown, 3 skipped, in 41.2 s; not done: 3 devices" in first
    found = [columns(line) for line in lines]
    assert ["DEVICE_UNREACHABLE", "3", "2"] in found
    assert ["Hotel 1", "3", "3"] in found
    assert ["Hotel 1", "failed", "DEVICE_UNREACHABLE", "offline", "room-1", "endpoint-b"] in found
    many = report_of(*[failed("room", throttled("room"))] * 60)
    assert "and 10 more" in rendered(many, monkeypatch)
    assert not [line for line in lines if "\x1b" in line], "only the first line has a style"


def test_rich_tables_are_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "\n".join(rendered(odd_report().table(), monkeypatch)[1:])
    # By code, by property, and in five cells of the failure.
    assert text.count("</td><script>alert('[red]')</script>&amp; [2J") == 7
    assert not {character for character in text if ord(character) < 32 and character != "\n"}
    assert "\x1b" not in str(odd_report())
    assert "\x1b" not in str(odd_report().table())


UNIT, DEVICE = "amzn1.alexa.unit.did.A73F35MY3Q2G22EMD425DWWNG5", "amzn1.alexa.endpoint.did.APXZWEIJFQF5ACEN4UYGSV32GZ"


def named_report(name: str = "Room 320") -> FleetReport[str, None]:
    """One room, two devices: one with three steps of one cause, one of which the name is unknown."""
    echo = Endpoint(DEVICE, friendly_name="Bedside Echo")
    room = Room(
        UNIT, name=name, property_id="p", property_name="Seaside 1", path=("Seaside 1", "Floor 3"), endpoints=(echo,)
    )
    steps = [Step(each, OPERATION, DEVICE, offline(room, DEVICE)) for each in ("locales", "wake word", "volume")]
    other = Step("volume", OPERATION, "endpoint-b", throttled(room))
    return report_of(failed(room, StepsFailed(Steps(room, (*steps, other)))))


@pytest.mark.parametrize("width", [40, 80, 100, 200])
def test_ids_are_whole_in_a_terminal_of_any_width(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = rendered(named_report("Suite 北京 " + "long name " * 5), monkeypatch, width)
    assert sum(line.count(DEVICE) for line in lines) == (width > len(DEVICE) + 2)
    assert all(cell_len(re.sub(r"\x1b\[\d*m", "", line)) <= width for line in lines)
    # Even in a terminal that is narrower than an id, all of it is there.
    assert DEVICE in "".join(lines).replace(" ", "")


def test_at_80_columns_ids_are_below_their_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = rendered(named_report(), monkeypatch, 80)
    row = next(number for number, line in enumerate(lines) if "Bedside Echo" in line)
    assert columns(lines[row - 1]) == ["ROOM", "PATH", "DEVICE", "STEP", "CODE"]
    assert columns(lines[row])[:3] == ["Room 320", "Seaside 1 / Floor", "Bedside Echo"]
    assert lines[row + 1].split() == ["3", "word,", "volume"]
    assert f"  {DEVICE}" in lines[row + 1 : row + 4]


def test_a_row_per_device_or_per_step(monkeypatch: pytest.MonkeyPatch) -> None:
    report = named_report()
    text = "\n".join(rendered(report, monkeypatch))
    assert text.count("Bedside Echo") == 1
    assert "locales, wake word, volume" in text
    assert "1 room: 0 done, 1 failed, 0 unknown, in 0.0 s; not done: 2 devices in 1 room" in text
    assert "\n".join(rendered(report.table(by_step=True), monkeypatch)).count("Bedside Echo") == 3
    assert report._repr_html_().count("Bedside Echo") == 1
    assert report.table(by_step=True)._repr_html_().count("Bedside Echo") == 3


def test_ids_can_be_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = named_report().table(ids=False)
    for text in (
        str(shown),
        repr(shown),
        shown._repr_html_().partition("title=")[0],
        str(rendered(shown, monkeypatch)),
    ):
        assert "Bedside Echo" in text
        assert DEVICE not in text
    assert DEVICE in str(named_report().table())


def test_ids_in_html_are_not_wrapped() -> None:
    page = named_report()._repr_html_()
    assert re.search(rf'<td style="[^"]*white-space:nowrap[^"]*">{DEVICE}</td></tr>', page)
    assert '<div style="overflow-x:auto">' in page


def test_many_steps_are_shortened() -> None:
    many = [Step(f"step {number}", OPERATION, DEVICE, throttled(UNIT)) for number in range(9)]
    report = report_of(failed(UNIT, StepsFailed(Steps(UNIT, tuple(many)))))
    assert "step 0, step 1, step 2 and 6 more" in str(report.table())
    assert report.to_rows(failures=True)[0]["step"].count("step") == 9


def test_a_report_without_failures_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    assert str(EMPTY.table()) == str(EMPTY)
    assert len(rendered(EMPTY, monkeypatch)) == 1
    assert Tables(EMPTY._repr_html_()).tables == {}
