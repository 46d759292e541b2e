"""`whoami`: the organization and the login that commands use, whole and in 80 columns."""

from __future__ import annotations

import json
import re

from tests.cli.commands import Run
from tests.cli.service import Service


def test_on_a_terminal_every_id_is_whole_and_no_line_is_longer_than_80(run: Run, screen: Run, service: Service) -> None:
    assert run("login", "--simulator", service.facts["base_url"], "--profile", "seaside").returncode == 0
    done = screen("whoami", "--profile", "seaside", env={"COLUMNS": "80"})
    assert done.returncode == 0
    lines = done.stdout.replace("\r", "").splitlines()
    shown = {line[:16].rstrip(): line[17:] for line in lines}
    assert lines[0].split() == ["organization", "Organization"]
    assert shown["organization id"] == service.facts["organization_id"]
    assert (shown["profile"], shown["client id"]) == ("seaside", service.facts["client_id"])
    assert (shown["region"], shown["token"], shown["access"]) == ("NA", "ok", "ok")
    assert re.fullmatch(r"received \d+ (s|min) ago, expires in (59|60) min", shown["access token"])
    assert [line for line in lines if len(line) > 80 and not line.startswith("source")] == []


def test_for_programs_it_is_one_object(run: Run, service: Service) -> None:
    assert run("login", "--simulator", service.facts["base_url"]).returncode == 0
    [line] = run("whoami", "--json").stdout.splitlines()
    facts = json.loads(line)
    assert (facts["organization"], facts["organization_id"]) == ("Organization", service.facts["organization_id"])
    assert (facts["profile"], facts["overridden_by"]) == ("default", None)
    assert facts["token_received_at"] < facts["token_expires_at"]
    assert facts["token_expires_at"].endswith("+00:00")
    assert json.loads(run("whoami", "--output", "json").stdout)[0] == facts


def test_it_shows_the_organization_that_commands_would_use(run: Run, screen: Run, service: Service) -> None:
    assert run("login", "--simulator", service.facts["base_url"]).returncode == 0
    room = service.world["rooms"][0]
    by_variable = run("whoami", "--json", env={"ALEXA_PROPS_ORGANIZATION_ID": room})
    facts = json.loads(by_variable.stdout)
    assert (facts["organization_id"], facts["overridden_by"]) == (room, "ALEXA_PROPS_ORGANIZATION_ID")
    assert facts["organization"] not in (None, "Organization")
    facts = json.loads(run("whoami", "--json", "--organization", room).stdout)
    assert (facts["organization_id"], facts["organization"] == "Organization") == (room, False)

    wrong = run("whoami", "--json", "--organization", "of-another-client")
    facts = json.loads(wrong.stdout)
    assert (wrong.returncode, facts["access"], facts["organization"]) == (1, "refused", None)
    assert "units.get('of-another-client')" in wrong.stderr
    assert "check the id of the organization: the console of Alexa Smart Properties shows its id" in wrong.stderr

    none = screen("whoami", env={**service.environment, "ALEXA_PROPS_ORGANIZATION_ID": ""})
    assert (none.returncode, none.stdout.splitlines()[0].split()[:2]) == (0, ["organization", "unknown:"])
    assert "source" in none.stdout
