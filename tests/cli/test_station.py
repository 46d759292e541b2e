"""`station get` and `station set`."""

from __future__ import annotations

import json

from tests.cli.commands import Run
from tests.cli.service import Service


def test_it_is_set_by_label_or_by_id_and_shown(run: Run, service: Service) -> None:
    room = service.world["rooms"][0]
    service.script("faults", operation="unit_settings.get_default_music_station", kind="status", status=204)
    assert run("station", "get", room, env=service.environment).stdout == f"{room}\t\t\t\n"
    done = run("station", "set", room, "ihr_jazz", env=service.environment)
    assert (done.returncode, done.stdout) == (0, f"{room}\tI_HEART_RADIO\t4242\tIHR_JAZZ\n")
    done = run("station", "set", room, "SOME_RADIO:s:1", "--json", env=service.environment)
    row = {"unit_id": room, "provider_id": "SOME_RADIO", "station_id": "s:1", "label": None}
    assert (done.returncode, json.loads(done.stdout)) == (0, row)
    assert [call["body"] for call in service.calls("unit_settings.set_default_music_station")] == [
        {"providerId": "I_HEART_RADIO", "stationId": "4242"},
        {"providerId": "SOME_RADIO", "stationId": "s:1"},
    ]
    assert json.loads(run("station", "get", room, "--json", env=service.environment).stdout) == row
