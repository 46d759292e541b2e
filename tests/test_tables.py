"""Tables for people: lines that fit, ids that stay whole, and HTML that is escaped."""

from __future__ import annotations

import pytest

from alexa_props.tables import Column, Table, to_html, to_text

NOWRAP = "text-align:left;white-space:nowrap;font-family:monospace;font-size:11px"
ID = "amzn1.alexa.endpoint.did.APXZWEIJFQF5ACEN4UYGSV32GZ"


def table(*rows: tuple[str, str, str], more: str = "") -> Table:
    names, texts, ids = zip(*rows, strict=True) if rows else ((), (), ())
    columns = [Column("name", names), Column("text", texts, is_optional=True), Column("id", ids, is_id=True)]
    return Table("Rooms", columns, more)


def text(shown: Table, width: int) -> list[str]:
    return list(to_text(shown, width))


def test_rows_that_fit_take_one_line() -> None:
    assert text(table(("Room 1", "a text", ID), ("Suite 北京", "", "b"), more="and 3 more"), 80) == [
        "Rooms",
        "NAME        TEXT    ID",
        f"Room 1      a text  {ID}",
        "Suite 北京          b",
        "and 3 more",
    ]


def test_long_text_is_left_out_first_and_then_names_are_wrapped() -> None:
    shown = table(("a name of several words", "a text " * 9, ID))
    assert text(shown, 80) == ["Rooms", "NAME                     ID", f"a name of several words  {ID}"]
    assert text(shown, 65) == ["Rooms", "NAME", "a name of several words", f"  {ID}"]
    beside = table(("a name of several words", "", "id"))
    assert text(beside, 20) == ["Rooms", f"{'NAME':18}ID", f"{'a name of':18}id", "several words"]


@pytest.mark.parametrize("width", [1, 10, 30, 52])
def test_ids_without_room_are_below_their_rows(width: int) -> None:
    other = ID.replace("did", "dad")
    lines = text(table(("Room 1", "", ID), ("unbreakableName" * 2, "", other)), width)
    assert [line for line in lines if "amzn1" in line] == [f"  {ID}", f"  {other}"]
    assert not [line for line in lines[1:] if "amzn1" not in line and len(line) > max(width, 4)]
    assert "Room" in lines[2]


def test_rows_about_the_same_thing_share_the_ids_below_them() -> None:
    columns = [
        Column("name", ["Echo " * 20, "Echo", "Dot"]),
        Column("device id", ["a", "a", "b"], is_id=True),
        Column("unit id", [ID, ID, ID], is_id=True),
    ]
    lines = text(Table("", columns), 60)
    assert [line for line in lines if "amzn1" in line] == [f"  a  {ID}", f"  b  {ID}"]
    assert lines.index("Echo") < lines.index(f"  a  {ID}") < lines.index("Dot")
    assert text(Table("", columns), 40)[-3:] == ["Dot", "  b", f"  {ID}"]


def test_empty_columns_are_left_out() -> None:
    assert text(table(("Room 1", "", "")), 80) == ["Rooms", "NAME", "Room 1"]
    assert text(table(("", "", ID)), 80) == ["Rooms", "ID", ID]
    assert text(table(), 80) == ["Rooms"]
    assert to_html(table(("", "", ""))).count("<td") == 0


@pytest.mark.parametrize("name", ["Room 1", "NETWORK_ERROR_" * 5])
def test_in_html_ids_are_beside_their_rows_if_there_is_room(name: str) -> None:
    page = to_html(table((name, "a text", ID), ("Room 2", "", "")))
    assert page.count("<tr>") == 3
    assert f">{ID}</td></tr>" in page
    assert "colspan" not in page


def test_in_html_ids_without_room_are_below_their_rows() -> None:
    page = to_html(table(("unbreakable" * 6, "", ID), ("Room 2", "", "")))
    assert page.count("<tr>") == 4
    assert (
        page.index("unbreakable")
        < page.index(f'<td colspan="1" style="{NOWRAP}">{ID}</td></tr>')
        < page.index("Room 2")
    )
    # Nothing but ids, however long.
    assert to_html(table(("", "", "x" * 500))).count("colspan") == 0


def test_control_characters_and_markup() -> None:
    odd = "\x1b[2J\r\n\u202e<b>"
    assert not {"\x1b", "\r", "\n", "\u202e"} & set("".join(text(table((odd, odd, odd)), 80)))
    page = to_html(Table(odd, [Column(odd, [odd]), Column(odd, [odd + '"'], is_optional=True)], odd))
    assert "<b>" not in page
    assert 'title="\x1b[2J\r\n\u202e&lt;b&gt;&quot;"' in page
