"""Names in a new shell after `login --simulator`: processes that share only what is stored."""

from __future__ import annotations

import json
import subprocess

from tests.cli.commands import COMMAND, Completed
from tests.cli.service import Service


def test_names_work_in_a_new_shell(service: Service, home: dict[str, str]) -> None:
    def shell(*arguments: str) -> Completed:
        return subprocess.run([*COMMAND, *arguments], env=home, capture_output=True, text=True, check=False)

    done = shell("login", "--simulator", service.facts["base_url"])
    assert done.returncode == 0, done.stderr
    done = shell("room", "reset", "Room 103")
    assert (done.returncode, done.stderr) == (0, "alexa-props: Room 103 (Seaside 1 / Floor 1): 9 of 9 steps done\n")
    assert {call["unit_id"] for call in service.calls("alerts.delete_alarms")} == {service.world["rooms"][2]}
    offline = service.world["endpoints"][5]
    service.script("offline", ids=[offline])
    done = shell("endpoints", "--under", "Seaside 1", "--offline", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    [row] = [json.loads(line) for line in done.stdout.splitlines()]
    assert (row["device"], row["room"], row["endpoint_id"]) == ("Room 103 Echo 2", "Room 103", offline)
    done = shell("room", "reset", "Room 103")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        3,
        "alexa-props: Room 103 (Seaside 1 / Floor 1): 4 of 9 steps done",
    )
