"""`station get` and `station set`."""

from __future__ import annotations

import json

from tests.cli.commands import Run
from tests.cli.service import Service

UNSET = "unit_settings.get_default_music_station"


def test_it_is_set_by_label_or_by_id_and_shown(run: Run, service: Service) -> None:
    room = service.world["rooms"][0]
    service.script("faults", operation=UNSET, kind="status", status=204)
    assert (
        run("station", "get", "Room 101", env=service.environment).stdout
        == f"Room 101\tSeaside 1 / Floor 1\t\t{room}\n"
    )
    done = run("station", "set", "Room 101", "ihr_jazz", env=service.environment)
    assert (done.returncode, done.stdout) == (0, f"Room 101\tSeaside 1 / Floor 1\tIHR_JAZZ\t{room}\n")
    done = run("station", "set", room, "SOME_RADIO:s:1", "--json", env=service.environment)
    place = {"room": "Room 101", "path": "Seaside 1 / Floor 1"}
    row = {**place, "station": "SOME_RADIO:s:1", "provider_id": "SOME_RADIO", "station_id": "s:1", "unit_id": room}
    assert (done.returncode, json.loads(done.stdout)) == (0, row)
    assert [call["body"] for call in service.calls("unit_settings.set_default_music_station")] == [
        {"providerId": "I_HEART_RADIO", "stationId": "4242"},
        {"providerId": "SOME_RADIO", "stationId": "s:1"},
    ]
    # What is shown can be set again.
    assert json.loads(run("station", "get", room, "--json", env=service.environment).stdout) == row
    assert run("station", "set", room, row["station"], env=service.environment).returncode == 0


def test_an_id_needs_no_inventory(run: Run, service: Service) -> None:
    room = service.world["rooms"][0]
    environment = service.environment
    del environment["ALEXA_PROPS_ORGANIZATION_ID"]
    done = run("station", "set", room, "IHR_JAZZ", env=environment)
    assert (done.returncode, done.stdout) == (0, f"\t\tIHR_JAZZ\t{room}\n")
    assert service.calls("units.list") == service.calls("units.get") == []
