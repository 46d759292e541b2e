"""Python blocks of the README and of docs/ run against a simulator on a real socket; command lines parse."""

from __future__ import annotations

import ast
import inspect
import logging
import re
import shlex
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import anyio.to_thread
import httpx
import pytest
import typer.main

from alexa_props import SharedTokens
from alexa_props.cli.app import app
from alexa_props.cli.late import LateCommands
from alexa_props.errors import NotFound
from alexa_props.simulator import Simulator
from tests.postgres import Server, needs_postgres
from tests.servers import needs_redis, redis_server

ROOT = Path(__file__).parents[1]
PAGES = {path: path.read_text() for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))}

BLOCKS: dict[str, list[str]] = defaultdict(list)
"""The Python blocks by the comment in their first line. Blocks with the same one are the cells of a notebook."""
for page in PAGES.values():
    for title, text in re.findall(r"^```python\n# (.+?)\n(.+?)^```", page, re.MULTILINE | re.DOTALL):
        BLOCKS[title].append(text)

RUN = {
    *("several organizations", "logging of an app", "JSON logs"),
    *("tests with pytest", "override the simulator", "an app from the environment"),
}
"""The titles that a test below runs, and those above that the tests of their subject run."""


def block(title: str) -> pytest.MarkDecorator:
    """Pass the code of a block to a test."""
    RUN.add(title)
    return pytest.mark.parametrize("code", ["".join(BLOCKS[title])], ids=[title.replace(" ", "-")])


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
async def sim(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Simulator]:
    async with Simulator(rooms=20, endpoints_per_room=2, seed=3) as sim, sim.serve():
        for name, value in {**sim.env(), "ORGANIZATION_ID": sim.organization_id}.items():
            monkeypatch.setenv(name, value)
        yield sim


async def cell(code: str) -> dict[str, Any]:
    """Run code as a notebook cell is run: `await` may stand at the top."""
    names: dict[str, Any] = {}
    result = eval(compile(code, "docs", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)
    if inspect.isawaitable(result):
        await result
    return names


async def script(code: str) -> None:
    """Run code as a script is run: it makes a separate event loop."""
    assert "asyncio.run(main())" in code
    await anyio.to_thread.run_sync(exec, compile(code, "docs", "exec"), {})


def test_every_block_is_run() -> None:
    assert sum(page.count("```python") for page in PAGES.values()) == sum(map(len, BLOCKS.values()))
    assert set(BLOCKS) == RUN
    assert {title for title, code in BLOCKS.items() if len(code) > 1} == {"notebook"}


@block("first steps")
async def test_first_steps(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    await script(code)
    printed = capsys.readouterr().out
    assert printed.startswith("20 rooms: 19 done, 1 failed, 0 unknown")
    assert "Room 320 ['DEVICE_NOT_REACHABLE']" in printed


@block("quickstart")
async def test_quickstart(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    await script(code)
    printed = capsys.readouterr().out
    assert "1 Seaside 1 amzn1.alexa.unit" in printed
    assert "Room 101 Echo 1" in printed
    assert "station_id='4802'" in printed


@block("with an account")
async def test_with_an_account(code: str, sim: Simulator, capsys: pytest.CaptureFixture[str]) -> None:
    await cell(code)
    assert capsys.readouterr().out == "Seaside 1\n"


@block("credentials in code")
async def test_credentials_in_code(code: str, sim: Simulator, capsys: pytest.CaptureFixture[str]) -> None:
    await cell(code)
    assert capsys.readouterr().out == "<SmartProperties https://api.eu.amazonalexa.com>\n"


@block("token store")
async def test_token_store(code: str, sim: Simulator, folder: Path) -> None:
    sim.login.rotates = True
    stored = {sim.refresh_token}
    for _ in range(2):
        await cell(code)
        assert (folder / "refresh-token").read_text() == sim.refresh_token
        stored.add(sim.refresh_token)
    assert len(stored) == 3


@block("workers on one host")
async def test_workers_on_one_host(
    code: str, sim: Simulator, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sim.login.rotates = True
    monkeypatch.setenv("STATE_DIRECTORY", str(folder))
    for _ in range(2):
        asp = (await cell(code))["asp"]
        assert capsys.readouterr().out == "Seaside 1\n"
        assert asp.limits["units.list"].sharing == "yes"
    assert sim.count("token") == 1
    assert (folder / "alexa").stat().st_mode & 0o777 == 0o700


@needs_redis
@block("workers on several hosts")
async def test_workers_on_several_hosts(
    code: str, sim: Simulator, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sim.login.rotates = True
    first, second = SharedTokens.new_key(), SharedTokens.new_key()
    with redis_server(folder) as server:
        monkeypatch.setenv("REDIS_URL", server.url)
        # Replacing a key takes three deployments.
        for keys in (first, f"{first} {second}", f"{second} {first}", second):
            monkeypatch.setenv("TOKEN_KEYS", keys)
            asp = (await cell(code))["asp"]
            assert capsys.readouterr().out == "Seaside 1\n"
            assert asp.limits["units.list"].sharing == "yes"
    assert sim.count("token") == 1


@block("inventory")
async def test_inventory(code: str, sim: Simulator, capsys: pytest.CaptureFixture[str]) -> None:
    await cell(code)
    room = sim.rooms[1]
    printed = capsys.readouterr().out.splitlines()
    assert "20 rooms, 40 devices (0 offline)" in printed[0]
    assert len(printed) == 3
    assert all(line.startswith("Room 102 Echo ") and line.endswith(" OK") for line in printed[1:])
    assert not any(sim.alert_count("alarms", endpoint) for endpoint in sim.endpoints_in(room))


@block("names")
async def test_names(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    await cell(code)
    suggestions, candidates, unclear = capsys.readouterr().out.splitlines()
    assert "Room 103" in ast.literal_eval(suggestions)[0]
    assert ast.literal_eval(candidates) == ("Hôtel du Lac 2/Floor 1/Room 103", "Seaside 1/Floor 1/Room 103")
    assert unclear == "2 of 3 names have no clear meaning"


@block("devices")
async def test_devices(code: str, sim: Simulator, capsys: pytest.CaptureFixture[str]) -> None:
    sim.set_offline(sim.endpoints[5])
    await cell(code)
    assert capsys.readouterr().out.startswith("Seaside 1/Floor 1/Room 103/Room 103 Echo 2 ")


@block("compare")
async def test_compare(code: str, sim: Simulator, capsys: pytest.CaptureFixture[str]) -> None:
    await cell(code)
    assert capsys.readouterr().out == ""
    sim.set_offline(sim.endpoints[5])
    await cell(code)
    assert "offline device Room 103 Echo 2 (Seaside 1 / Floor 1 / Room 103)" in capsys.readouterr().out


@block("web app")
async def test_web_app(code: str, sim: Simulator) -> None:
    app = (await cell(code))["app"]
    room = sim.rooms[0]
    sim.set_forbidden(sim.rooms[1])
    async with app.router.lifespan_context(app) as state:

        async def with_state(scope: Any, receive: Any, send: Any) -> None:
            await app({**scope, "state": dict(state)}, receive, send)

        async with httpx.AsyncClient(transport=httpx.ASGITransport(with_state), base_url="http://app") as http:
            ok = await http.get(f"/rooms/{room}/station")
            assert ok.status_code == 200
            expected = sim.station(room)
            assert ok.json() == (None if expected is None else {"station": expected.station_id})
            assert (await http.get(f"/rooms/{sim.rooms[1]}/station")).status_code == 404
            for status, response in ((401, 502), (404, 404), (429, 503), (500, 502)):
                sim.fail("unit_settings.get_default_music_station", "status", status=status, times=None)
                assert (await http.get(f"/rooms/{room}/station")).status_code == response, status
                sim.clear_faults()


@block("fleet job")
async def test_fleet_job(code: str, sim: Simulator, capsys: pytest.CaptureFixture[str]) -> None:
    sim.set_offline(sim.endpoints[0])
    await script(code)
    assert {station.station_id if (station := sim.station(room)) else None for room in sim.rooms} == {"4242"}
    assert sum(sim.alert_count("alarms", endpoint) for endpoint in sim.endpoints[1:]) == 0
    printed = capsys.readouterr().out
    assert "Room 101 Echo 1 still has its alarms: DEVICE_NOT_REACHABLE" in printed
    assert "unit_settings.set_default_music_station: 0 to 20 calls" in printed
    assert "20 rooms: 20 done" in printed
    # The second run reports the room whose device was offline again, and sends nothing.
    sim.clear_calls()
    await script(code)
    assert sim.count("alerts.delete_alarms") == 0
    assert "still has its alarms: DEVICE_NOT_REACHABLE" in capsys.readouterr().out


@block("interrupted")
async def test_interrupted(code: str, sim: Simulator, capsys: pytest.CaptureFixture[str]) -> None:
    await cell(code)
    assert capsys.readouterr().out.startswith("20 rooms: 20 done")
    sim.latency(0.2)
    await cell(code.replace("timeout(600)", "timeout(1)"))
    assert "interrupted" in capsys.readouterr().out


@block("batches")
async def test_batches(code: str, sim: Simulator, capsys: pytest.CaptureFixture[str]) -> None:
    await script(code)
    assert capsys.readouterr().out.count(" done\n") == 20
    bodies: list[Any] = [call.body for call in sim.calls if call.operation == "notifications.send"]
    assert [len(body["recipients"]) for body in bodies] == [20]


@block("partitions")
async def test_partitions(code: str, sim: Simulator, capsys: pytest.CaptureFixture[str]) -> None:
    for ended in ("20 done", "20 skipped"):
        await cell(code)
        printed = capsys.readouterr().out
        assert re.match(r"[2-6] partitions, ", printed)
        assert ended in printed
    assert sim.count("alerts.delete_alarms") == 20


@block("journal")
async def test_journal(code: str, sim: Simulator, capsys: pytest.CaptureFixture[str]) -> None:
    for skipped in (0, 20):
        await cell(code)
        assert f" {skipped} were done before\n" in capsys.readouterr().out
    assert sim.count("alerts.delete_timers") == 20


@needs_postgres
@block("journal in PostgreSQL")
async def test_journal_in_postgres(
    code: str, sim: Simulator, postgres: Server, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOURNALS", postgres.url(name="").removesuffix("#"))
    for skipped in (0, 20):
        await cell(code)
        printed = capsys.readouterr().out
        assert printed.startswith("Seaside 1 ")
        found = re.findall(r" (\d+) were done before\n", printed)
        assert sum(map(int, found)) == skipped
    assert sim.count("alerts.delete_reminders") == 20
    count = "SELECT count(*) FROM alexa_props.journals WHERE name LIKE 'reminders/%%'"
    (journals,) = postgres.sql(count)
    assert journals[0] == len(found)
    (statement,) = re.findall(r"^```sql\n(.+?)^```", PAGES[ROOT / "docs" / "journals.md"], re.MULTILINE | re.DOTALL)
    for days, left in ((89, journals), (91, (0,))):
        postgres.sql(f"UPDATE alexa_props.journals SET used = now() - interval '{days} days'")
        postgres.sql(statement)
        assert postgres.sql(count) == [left]


@block("notebook")
async def test_notebook(code: str, sim: Simulator, capsys: pytest.CaptureFixture[str]) -> None:
    names = await cell(code)
    assert "devices are offline" in capsys.readouterr().out
    assert names["report"].counts == {"done": 20, "failed": 0, "unknown": 0}
    await names["sim"].aclose()


@block("pagers")
async def test_pagers(code: str) -> None:
    names = await cell(code)
    assert len(names["names"]) == len(names["rest"]) + 10
    assert names["token"]


@block("own calls")
async def test_own_calls(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    await cell(code)
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("200 [{")
    assert "Room 101" in printed[1]


@block("limits")
async def test_limits(code: str, sim: Simulator, folder: Path) -> None:
    for _ in range(2):
        await cell(code)
    assert "units.list" in (folder / "limits.json").read_text()
    assert sim.count("units.list") >= 2


@block("logging")
async def test_logging(code: str, sim: Simulator, caplog: pytest.LogCaptureFixture) -> None:
    logger, asp = logging.getLogger("alexa_props.failures"), sim.smart_properties()
    level = logger.level
    logged = []
    try:
        for prepare in ("", code):
            await cell(prepare)
            caplog.clear()
            with pytest.raises(NotFound):
                await asp.units.get("no-such-unit")
            logged.append([record.getMessage() for record in caplog.records if record.name == logger.name])
    finally:
        logger.setLevel(level)
    assert [len(lines) for lines in logged] == [1, 0]


@block("hooks")
async def test_hooks(code: str, sim: Simulator, capsys: pytest.CaptureFixture[str]) -> None:
    sim.fail("units.list", "status", status=429, headers={"Retry-After": "0"})
    await cell(code)
    assert re.fullmatch(
        r"units.list was throttled\nunits.list: status 200, 2 attempts, \d\.\d{3} s\n", capsys.readouterr().out
    )


@block("business")
async def test_business(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    await cell(code)
    assert "OFFLINE" in capsys.readouterr().out


@block("simulator")
async def test_simulator(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    await cell(code)
    assert "2 requests were seen\n401\n" in capsys.readouterr().out


# The cookbook


@block("check-out")
async def test_check_out(code: str, sim: Simulator) -> None:
    names = await cell(code)
    assert names["steps"].status == "done"
    assert [sim.volume(endpoint) for endpoint in sim.endpoints_in(sim.rooms[0])] == [30, 30]


@block("offline devices")
async def test_offline_devices(code: str, sim: Simulator, folder: Path) -> None:
    sim.set_offline(sim.endpoints[5])
    await cell(code)
    heading, row = (folder / "offline.csv").read_text(encoding="utf-8-sig").splitlines()
    assert heading == "device,serial_number,model"
    assert row.startswith("Seaside 1/Floor 1/Room 103/Room 103 Echo 2,")


@block("settings")
async def test_settings(code: str, sim: Simulator, capsys: pytest.CaptureFixture[str]) -> None:
    sim.set_offline(sim.endpoints[5])
    for written in (39, 0):
        sim.clear_calls()
        await cell(code)
        assert capsys.readouterr().out.startswith("40 items: 39 done, 1 failed")
        assert sim.count("endpoint_settings.set") - sim.count("endpoint_settings.set", 504) == written


@block("skills")
async def test_skills(code: str, sim: Simulator, capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    monkeypatch.setenv("SKILL_ID", "amzn1.ask.skill.concierge")
    await cell(code)
    assert capsys.readouterr().out.startswith("20 rooms: 20 done")
    enabled = [each async for each in sim.smart_properties().skills.list(sim.rooms[7])]
    assert "amzn1.ask.skill.concierge" in {each.skill.id for each in enabled}


@block("build a property")
async def test_build_a_property(code: str, sim: Simulator, capsys: pytest.CaptureFixture[str]) -> None:
    await cell(code)
    first = capsys.readouterr().out
    assert len(set(first.splitlines())) == 3
    await cell(code)
    assert capsys.readouterr().out == first


@block("move a device")
async def test_move_a_device(
    code: str, sim: Simulator, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (device, *_) = await sim.smart_properties().endpoints.list(unit_id=sim.rooms[0], expand="all")
    assert device.serial_number is not None
    monkeypatch.setenv("SERIAL_NUMBER", device.serial_number)
    await cell(code)
    new_id = capsys.readouterr().out.removeprefix("new id: ").strip()
    assert new_id in sim.endpoints_in(sim.rooms[1])
    # It is there already: nothing is sent.
    await cell(code)
    assert sim.count("endpoints.associate") == 1


@block("reminders")
async def test_reminders(code: str, sim: Simulator) -> None:
    before = [sim.alert_count("reminders", endpoint) for endpoint in sim.endpoints_in(sim.rooms[1])]
    await cell(code)
    after = [sim.alert_count("reminders", endpoint) for endpoint in sim.endpoints_in(sim.rooms[1])]
    assert after == [number + 1 for number in before]


@block("wi-fi")
async def test_wi_fi(
    code: str, sim: Simulator, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WIFI_PASSWORD", "correct horse")
    sim.set_offline(sim.endpoints[5])
    await cell(code)
    assert capsys.readouterr().out.startswith("39 items: 39 done")
    networks = await sim.smart_properties().wifi.list(sim.endpoints[0])
    assert "Guest 2031" in {each.ssid for each in networks.wifi_configurations}


# Command lines


def command_lines(page: str) -> Iterator[str]:
    """The `alexa-props …` lines of shell blocks, and those of the text."""
    for shell in re.findall(r"^```sh\n(.+?)^```", page, re.MULTILINE | re.DOTALL):
        for line in shell.replace("\\\n", " ").splitlines():
            yield from re.findall(r"(?:^|[\s/])(alexa-props(?: [^|>&]+|$))", line)
    yield from re.findall(r"(?<!`)`(alexa-props [^`]+)`(?!`)", page)


LINES = sorted({line for page in PAGES.values() for line in command_lines(page)})


def test_the_command_lines_are_found() -> None:
    assert "alexa-props demo" in LINES
    assert len(LINES) > 20


def test_the_command_lines_of_the_documentation_parse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALEXA_PROPS_ORGANIZATION_ID", "organization")
    for line in LINES:
        parse(line)


def parse(line: str) -> None:
    _, *words = shlex.split(line, comments=True)
    command: Any = typer.main.get_command(app)
    while words and words[0] in getattr(command, "commands", {}):
        if isinstance(command, LateCommands):
            command.load(words[0])
        command = command.commands[words.pop(0)]
    if hasattr(command, "commands"):
        # A group, alone or with an option that would change this shell.
        assert set(words) <= {option for each in command.params for option in each.opts} - {"--help"}
    else:
        # Raises for an unknown command, option or choice, and for a missing argument.
        command.make_context(command.name, words)
