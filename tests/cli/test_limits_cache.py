"""The limits that commands of a login have learned: the next command starts with them. They never fail a command."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from alexa_props import Limits
from alexa_props.cli.limits_cache import LimitsCache
from alexa_props.limits import ScopeLimits
from tests.cli.commands import Completed, Run
from tests.cli.service import Service

DELETE = "alerts.delete_alarms"
UNKNOWN = "calls: 2; duration unknown (no rates are learned yet)"
LEARNED = "s at the learned rates"


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "alexa-props"


@pytest.fixture
def fleet_run(run: Run, service: Service) -> Callable[..., Completed]:
    """Run a job for two rooms."""
    below = ("--under", service.facts["organization_id"], "--sample", "2")

    def start(*arguments: str, **options: object) -> Completed:
        return run("fleet", "run", "alarms", *below, "--yes", *arguments, **options)

    return start


def log_in(run: Run, service: Service, *more: str) -> None:
    assert run("login", "--simulator", service.facts["base_url"], *more).returncode == 0


def files(cache: Path) -> list[Path]:
    return sorted(cache.glob("limits-*"))


def stored(cache: Path) -> dict[str, ScopeLimits]:
    [path] = files(cache)
    [limits] = json.loads(path.read_text()).values()
    return Limits.from_json(json.dumps(limits))


def change(cache: Path, **changes: object) -> None:
    """Change what is stored for the operation."""
    [path] = files(cache)
    content = json.loads(path.read_text())
    for limits in content.values():
        limits[DELETE].update(changes)
    path.write_text(json.dumps(content))


def learn(fleet_run: Callable[..., Completed], service: Service, **options: object) -> None:
    """Run the job, and refuse a call of it."""
    service.script("faults", operation=DELETE, kind="status", status=429, times=1)
    assert fleet_run(**options).returncode == 0


def save(**ceilings: tuple[float, dt.timedelta]) -> None:
    """Store ceilings that were learned some time ago, as a command does that began before others ended."""
    now = dt.datetime.now(dt.UTC)
    scopes = {
        name: ScopeLimits(rate=1, ceiling=ceiling, learned_at=now - ago) for name, (ceiling, ago) in ceilings.items()
    }
    LimitsCache("login", key="client").save(Limits(scopes))


def test_the_next_command_starts_with_what_a_command_has_learned(
    run: Run, service: Service, cache: Path, fleet_run: Callable[..., Completed]
) -> None:
    log_in(run, service)
    assert UNKNOWN in fleet_run("--dry-run").stderr
    assert files(cache) == []
    learn(fleet_run, service)
    assert stored(cache)[DELETE].ceiling is not None
    assert LEARNED in fleet_run("--dry-run").stderr
    [path] = files(cache)
    assert (path.stat().st_mode & 0o777, cache.stat().st_mode & 0o777) == (0o600, 0o700)
    for secret in ("client_id", "refresh_token", "client_secret", "organization_id"):
        assert service.facts[secret] not in path.read_text()
    # The service accepts everything now: only the stored limits can refuse a call.
    pause = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=50)
    change(cache, paused_until=pause.isoformat())
    done = fleet_run()
    assert done.returncode == 3
    assert "RateLimitTooLong" in done.stdout
    # Read, and not replaced: nothing new was learned.
    assert stored(cache)[DELETE].paused_until == pause


def test_logins_services_and_a_named_file_have_separate_limits(
    run: Run, service: Service, cache: Path, tmp_path: Path, fleet_run: Callable[..., Completed]
) -> None:
    log_in(run, service)
    log_in(run, service, "--profile", "other")
    learn(fleet_run, service)
    assert LEARNED in fleet_run("--dry-run").stderr
    assert UNKNOWN in fleet_run("--dry-run", "--profile", "other").stderr
    assert UNKNOWN in fleet_run("--dry-run", env=service.environment).stderr
    assert UNKNOWN in fleet_run("--dry-run", "--limits", str(tmp_path / "limits.json")).stderr
    # The same simulator by another name of this machine.
    elsewhere = {"ALEXA_PROPS_BASE_URL": service.facts["base_url"].replace("127.0.0.1", "localhost")}
    assert UNKNOWN in fleet_run("--dry-run", env=elsewhere).stderr
    learn(fleet_run, service, env=service.environment)
    assert len(files(cache)) == 2
    assert LEARNED in fleet_run("--dry-run", env=service.environment).stderr
    assert run("logout").returncode == 0
    assert len(files(cache)) == 1


def test_a_command_that_has_learned_nothing_new_writes_nothing(
    run: Run, service: Service, cache: Path, fleet_run: Callable[..., Completed]
) -> None:
    log_in(run, service)
    learn(fleet_run, service)
    [before] = [path.stat() for path in files(cache)]
    assert fleet_run().returncode == 0
    assert run("units").returncode == 0
    assert [path.stat().st_ino for path in files(cache)] == [before.st_ino]


def test_what_is_too_old_is_not_used(
    run: Run, service: Service, cache: Path, fleet_run: Callable[..., Completed]
) -> None:
    log_in(run, service)
    learn(fleet_run, service)
    change(cache, learned_at=(dt.datetime.now(dt.UTC) - dt.timedelta(days=31)).isoformat())
    assert UNKNOWN in fleet_run("--dry-run").stderr


def test_a_damaged_file_is_deleted_with_a_note(
    run: Run, service: Service, cache: Path, fleet_run: Callable[..., Completed]
) -> None:
    log_in(run, service)
    learn(fleet_run, service)
    [path] = files(cache)
    path.write_text("{")
    done = run("units")
    assert done.returncode == 0
    assert f"the learned rates in {path} cannot be used: " in done.stderr
    assert files(cache) == []
    assert run("units").stderr == ""


@pytest.mark.parametrize("content", ["", "[]", '{"a": 5}', '{"a": {"b": {"rate": 0}}}', "[" * 100_000, "\xff"])
def test_whatever_a_damaged_file_holds_is_ignored(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    save(a=(10, dt.timedelta()))
    [path] = files(cache)
    path.write_text(content, encoding="latin-1")
    assert LimitsCache("login", key="client").load() is None
    assert files(cache) == []


def test_a_planted_link_is_neither_read_nor_written_through(
    run: Run, service: Service, cache: Path, tmp_path: Path, fleet_run: Callable[..., Completed]
) -> None:
    log_in(run, service)
    learn(fleet_run, service)
    [path] = files(cache)
    victim = path.rename(tmp_path / "victim")
    content = victim.read_text()
    path.symlink_to(victim)
    assert UNKNOWN in fleet_run("--dry-run").stderr
    learn(fleet_run, service)
    assert victim.read_text() == content


@pytest.mark.parametrize("obstacle", ["no folder", "a folder of others", "a folder in its place"])
def test_a_command_does_without_a_place_for_them(
    run: Run, service: Service, tmp_path: Path, fleet_run: Callable[..., Completed], obstacle: str
) -> None:
    log_in(run, service)
    cache, env = tmp_path / "cache" / "alexa-props", {}
    if obstacle == "no folder":
        (tmp_path / "file").touch()
        env = {"XDG_CACHE_HOME": str(tmp_path / "file")}
    elif obstacle == "a folder of others":
        cache.chmod(0o777)
    else:
        learn(fleet_run, service)
        [path] = files(cache)
        path.unlink()
        path.mkdir()
    learn(fleet_run, service, env=env)
    assert all(path.is_dir() for path in files(cache))


def test_commands_that_end_at_the_same_time_keep_what_each_has_learned(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    names = [f"operation {number}" for number in range(24)]
    start = threading.Barrier(len(names))

    def command(name: str) -> None:
        mine = LimitsCache("login", key="client")
        mine.load()
        start.wait()
        now = dt.datetime.now(dt.UTC)
        mine.save(Limits({name: ScopeLimits(rate=4, ceiling=5, learned_at=now)}))

    threads = [threading.Thread(target=command, args=[name]) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(stored(cache)) == set(names)


def test_of_each_scope_the_newest_limits_stay(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    minute, tomorrow = dt.timedelta(minutes=1), -dt.timedelta(days=1)
    save(a=(10, minute), b=(10, 3 * minute), c=(10, tomorrow))
    save(a=(20, 2 * minute), b=(20, 2 * minute), c=(20, minute))
    assert {name: scope.ceiling for name, scope in stored(cache).items()} == {"a": 10, "b": 20, "c": 20}
