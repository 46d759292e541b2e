"""One login that several commands use at the same time, while the server rotates its refresh token."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from typer.testing import CliRunner

from alexa_props.cli import private_file
from alexa_props.cli.app import app
from alexa_props.cli.client import StoredToken, smart_properties
from alexa_props.cli.credentials import find
from alexa_props.cli.stored_login import Credentials, save
from alexa_props.file_lock import try_lock
from alexa_props.settings import Secret
from alexa_props.simulator import Simulator
from tests.cli.commands import Start
from tests.cli.service import Service

keyring = pytest.importorskip("keyring")


def made(path: Path, world: Any, **changes: Any) -> Credentials:
    """The credentials of a simulator, or of one in another process."""
    whole = Credentials(
        path=path,
        client_id=world["client_id"],
        client_secret=Secret(world["client_secret"]),
        refresh_token=Secret(world["refresh_token"]),
        region="NA",
        base_url=world["base_url"],
        token_url=world["token_url"],
    )
    return attrs.evolve(whole, **changes)


def test_a_fleet_run_continues_with_the_token_that_another_command_rotated(
    service: Service, home: dict[str, str], start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "config" / "alexa-props" / "credentials.json"
    save(made(path, {**service.facts, **service.world}))
    service.script("settings", rotate_refresh_tokens=True)
    service.script("latency", seconds=0.2, operation="alerts.delete_alarms")
    arguments = ("--under", service.facts["organization_id"], "--yes", "--concurrency", "1")
    process = start("fleet", "run", "alarms", *arguments)
    assert process.stdout is not None
    first = process.stdout.readline()
    # The other rooms take longer than the other command, however busy the machine is.
    service.script("latency", seconds=2, operation="alerts.delete_alarms")
    monkeypatch.setenv("XDG_CONFIG_HOME", home["XDG_CONFIG_HOME"])
    who = CliRunner().invoke(app, ["whoami"])
    service.script("expire_tokens")
    service.script("latency", seconds=0, operation="alerts.delete_alarms")
    rest, said = process.communicate(timeout=60)
    assert (who.exit_code, process.returncode) == (0, 0), who.stderr + said
    assert len([first, *rest.splitlines()]) == len(service.world["rooms"])
    assert json.loads(path.read_text())["refresh_token"] == service.world["refresh_token"]
    assert [call["status"] for call in service.calls("token")] == [200] * 3


def test_commands_that_start_together_do_not_use_the_same_refresh_token(
    service: Service, start: Start, tmp_path: Path
) -> None:
    path = tmp_path / "credentials.json"
    save(made(path, {**service.facts, **service.world}))
    service.script("settings", rotate_refresh_tokens=True)
    # Long enough for both of them to have read the file.
    service.script("latency", seconds=1, operation="token")
    started = [start("whoami", "--credentials", str(path)) for _ in range(2)]
    ended = [(process.communicate(timeout=60)[1], process.returncode) for process in started]
    assert ended == [("", 0)] * 2
    assert json.loads(path.read_text())["refresh_token"] == service.world["refresh_token"]
    assert [call["status"] for call in service.calls("token")] == [200]


class TestInProcess:
    """A client of a command, and what happens to its login meanwhile."""

    @pytest.fixture
    async def sim(self) -> AsyncIterator[Simulator]:
        async with Simulator(rooms=1, rotate_refresh_tokens=True) as sim, sim.serve():
            yield sim

    @pytest.fixture(params=["file", "keyring"])
    def login(self, request: pytest.FixtureRequest, sim: Simulator, tmp_path: Path) -> Iterator[Credentials]:
        """The login, stored where commands look for it."""

        class Keyring(keyring.backend.KeyringBackend):  # type: ignore[misc, name-defined]
            priority = 1
            held: dict[str, str]

            def get_password(self, service: str, username: str) -> str | None:
                return self.held.get(username)

            def set_password(self, service: str, username: str, password: str) -> None:
                self.held[username] = password

            def delete_password(self, service: str, username: str) -> None:
                del self.held[username]

        before, ours = keyring.get_keyring(), Keyring()
        ours.held = {}
        keyring.set_keyring(ours)
        names = ("client_id", "client_secret", "refresh_token", "base_url", "token_url")
        login = made(
            tmp_path / "credentials.json",
            {name: getattr(sim, name) for name in names},
            keyring="one" if request.param == "keyring" else None,
        )
        save(login)
        yield login
        keyring.set_keyring(before)

    async def test_two_clients_of_one_login_take_turns(self, sim: Simulator, login: Credentials) -> None:
        async with smart_properties(find(login.path)) as one, smart_properties(find(login.path)) as other:
            for _ in range(2):
                for client in (one, other):
                    assert (await client.units.get(sim.rooms[0])).id == sim.rooms[0]
                sim.expire_tokens()
        assert (sim.count("token", 200), sim.count("token")) == (2, 2)
        found = find(login.path)
        assert found == attrs.evolve(login, refresh_token=Secret(sim.refresh_token))

    @pytest.mark.parametrize(
        "change",
        [
            lambda login: save(attrs.evolve(login, client_id="another", refresh_token=Secret("Atzr|another"))),
            lambda login: save(attrs.evolve(login, region="EU", refresh_token=Secret("Atzr|another"))),
            lambda login: save(attrs.evolve(login, base_url=None, keyring=None, refresh_token=Secret("Atzr|another"))),
            lambda login: login.path.unlink(),
        ],
        ids=["another client", "another region", "another address", "none"],
    )
    async def test_a_login_that_replaced_it_is_left_alone_and_the_command_continues(
        self,
        sim: Simulator,
        login: Credentials,
        change: Callable[[Credentials], None],
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        path = login.path
        assert path is not None
        async with smart_properties(find(path)) as client:
            await client.units.get(sim.rooms[0])
            change(login)
            left = content(path)
            for _ in range(2):
                sim.expire_tokens()
                assert (await client.units.get(sim.rooms[0])).id == sim.rooms[0]
        assert content(path) == left
        # One line for both refreshes.
        [line] = capsys.readouterr().err.splitlines()
        assert line.startswith(f"alexa-props: {path} now holds a different login or none, and is left unchanged: ")
        assert f"of client {login.client_id} is not stored" in line

    async def test_a_login_stored_while_a_token_was_rotated_is_not_overwritten(
        self, login: Credentials, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert login.path is not None
        store = StoredToken(login)
        assert await store.load() == login.refresh_token.reveal()
        save(attrs.evolve(login, refresh_token=Secret("Atzr|of a new login")))
        await store.save("Atzr|rotated")
        assert find(login.path).refresh_token == Secret("Atzr|of a new login")
        assert "now holds a different login" in capsys.readouterr().err
        # The next refresh uses it.
        assert await store.load() == "Atzr|of a new login"
        await store.save("Atzr|rotated-2")
        await store.save("Atzr|rotated-2")
        assert find(login.path).refresh_token == Secret("Atzr|rotated-2")

    async def test_no_login_is_stored_between_reading_and_replacing_the_file(
        self, login: Credentials, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store, locked = StoredToken(login), list[bool]()
        await store.load()

        def in_lock(use: Callable[..., Any]) -> Callable[..., Any]:
            def used(path: Path, *content: Secret, **options: Any) -> Any:
                folder = os.open(path.parent, os.O_RDONLY)
                locked.append(not try_lock(folder))
                os.close(folder)
                return use(path, *content, **options)

            return used

        with monkeypatch.context() as patched:
            for name in ("read", "write"):
                patched.setattr(private_file, name, in_lock(getattr(private_file, name)))
            await store.save("Atzr|rotated")
        assert locked == [True, True]

    async def test_a_client_secret_that_was_replaced_meanwhile_stays(self, login: Credentials) -> None:
        store = StoredToken(login)
        save(attrs.evolve(login, client_secret=Secret("newer")))
        await store.save("Atzr|rotated")
        found = find(login.path)
        assert (found.client_secret, found.refresh_token) == (Secret("newer"), Secret("Atzr|rotated"))


def content(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None
