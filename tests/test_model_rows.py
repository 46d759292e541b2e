"""Models as rows and DataFrames: one column per plain value, names first, ids last, no secrets."""

from __future__ import annotations

import datetime as dt
import json
import sys
from typing import Any

import attrs
import pandas as pd  # type: ignore[import-untyped]
import pytest

from alexa_props import AlexaForBusiness, SmartProperties, to_dataframe, to_rows
from alexa_props.errors import ConfigurationError
from alexa_props.fleet import Room
from alexa_props.for_business.devices import ConnectionStatus, DeviceData, DeviceStatusInfo
from alexa_props.model_rows import columns_of, model_of
from alexa_props.operation import Listing
from alexa_props.settings import Secret
from alexa_props.smart_properties.endpoints import Connection, Endpoint, Feature, UnitRef
from alexa_props.smart_properties.features import FeatureProperty
from alexa_props.smart_properties.pbx import SipTrunk
from alexa_props.smart_properties.units import Unit
from alexa_props.smart_properties.users import CreatedUser

NOON = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)
ONLINE = Feature("connectivity", properties=(FeatureProperty("reachability", "OK"),))
ECHO = Endpoint(
    "endpoint-1",
    friendly_name="Echo 北京",
    serial_number="G0",
    connections=(Connection("00:11"), Connection("22:33")),
    associated_units=(UnitRef("unit-1"), UnitRef("unit-2")),
    features=(ONLINE,),
)


def test_an_endpoint_as_a_row() -> None:
    (row,) = to_rows([ECHO])
    first, *_, last = row
    assert (first, last) == ("friendly_name", "id")
    assert {name: value for name, value in row.items() if value is not None} == {
        "friendly_name": "Echo 北京",
        "serial_number": "G0",
        "connections": "00:11, 22:33",
        "associated_units": "unit-1, unit-2",
        "features": "connectivity",
        "reachability": "OK",
        "id": "endpoint-1",
    }


def test_models_within_models_and_types() -> None:
    info = DeviceStatusInfo(connection_status=ConnectionStatus.ONLINE, connection_status_updated_time=NOON)
    rows = to_rows([DeviceData("arn", device_name="Echo", device_status_info=info, created_time=NOON), DeviceData("b")])
    assert (rows[0]["device_status_info.connection_status"], rows[0]["created_time"]) == ("ONLINE", NOON)
    assert type(rows[0]["device_status_info.connection_status"]) is str
    assert rows[0]["device_status_info.connection_status_updated_time"] == NOON
    assert rows[1]["device_status_info.connection_status"] is None
    names = list(rows[0])
    assert names[0] == "device_name"
    assert names[-1] in ("device_arn", "network_profile_arn")
    frame = to_dataframe([DeviceData("arn", created_time=NOON)])
    assert frame["created_time"][0] == pd.Timestamp(NOON)
    assert (frame.dtypes == to_dataframe([], model=DeviceData).dtypes).all()


def test_a_room_as_a_row() -> None:
    room = Room("room-1", name="Room 320", property_name="Sea/side", path=("Sea/side", "Floor 3"), endpoints=(ECHO,))
    (row,) = to_rows([room])
    assert row == {
        "name": "Room 320",
        "property_name": "Sea/side",
        "path": "Sea/side / Floor 3",
        "endpoints": "Echo 北京",
        "parent_id": None,
        "property_id": None,
        "id": "room-1",
    }
    assert type(row["id"]) is str


@attrs.frozen
class Inner:
    count: int | None = None
    ratio: float | None = None
    on: bool | None = None
    deeper: Inner | None = None


@attrs.frozen
class Odd:
    id: str
    inner: Inner | None = None
    inners: tuple[Inner, ...] = ()
    any: Any = None
    either: int | str | None = None
    secret: Secret | None = None
    hidden: str = attrs.field(default="hidden", repr=False)
    _private: str = "private"

    @property
    def is_odd(self) -> bool:
        return True


def test_numbers_json_and_what_is_left_out() -> None:
    full = Odd("1", Inner(3, 1, True, Inner(4)), (Inner(1), Inner(on=False)), {"a": [1, None]}, 7, Secret("s3cret"))
    first, empty = to_rows([full, Odd("2")])
    assert (first["inner.count"], first["inner.ratio"], first["inner.on"], first["is_odd"]) == (3, 1.0, True, True)
    assert type(first["inner.ratio"]) is float
    assert first["inner.deeper.count"] == 4
    assert first["either"] == "7"
    assert json.loads(first["any"]) == {"a": [1, None]}
    assert '"count": 1' in first["inners"]
    assert empty["inner.count"] is empty["any"] is None
    assert not {"secret", "hidden", "_private"} & set(first)
    assert "s3cret" not in str(to_rows([Odd("3", any={"nested": Secret("s3cret")})]))
    frame = to_dataframe([full, Odd("2")])
    assert frame["inner.count"].tolist() == [3, pd.NA]
    assert (to_dataframe([Odd("2")]).dtypes == frame.dtypes).all()


def test_dataframe_of_polars(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    frame = to_dataframe([DeviceData("arn", created_time=NOON)])
    assert frame["created_time"].to_list() == [NOON]
    assert frame.schema == to_dataframe([], model=DeviceData).schema
    late = to_dataframe([*(Odd(str(number)) for number in range(500)), Odd("last", Inner(3))])
    assert late["inner.count"].to_list()[-1] == 3


def test_several_classes_have_the_columns_of_all() -> None:
    rows = to_rows([Unit("unit-1", name="Room 320"), ECHO, "text", 7])
    assert [list(row) for row in rows] == [list(rows[0])] * 4
    assert [row["id"] for row in rows] == ["unit-1", "endpoint-1", None, None]
    assert [row["value"] for row in rows] == [None, None, "text", "7"]


def test_lists_that_are_none() -> None:
    assert to_rows([]) == []
    assert to_dataframe([]).shape == (0, 0)
    for wrong in ("text", {"a": 1}, 7, None):
        with pytest.raises(ConfigurationError, match="models must be a list"):
            to_rows(wrong)  # type: ignore[arg-type]


def test_no_column_of_any_list_holds_a_secret() -> None:
    assert not any("token" in name for name in columns_of([], CreatedUser))
    assert "raw" not in columns_of([], SipTrunk)


def test_every_list_of_the_services_has_columns() -> None:
    operations = (*SmartProperties.operations(), *AlexaForBusiness.operations())
    lists = {each.name: model_of(each.item) for each in operations if isinstance(each, Listing)}
    # Its items depend on the settings that were asked for, and its method returns no pager.
    assert lists.pop("endpoint_settings.get_many") is None
    assert len(lists) > 20
    for name, model in lists.items():
        columns = columns_of([], model)
        assert columns.keys() - {"value"}, name
        assert not columns.keys() & {"raw", "own_id"}, name
        assert list(to_dataframe([], model=model).columns) == list(columns)
