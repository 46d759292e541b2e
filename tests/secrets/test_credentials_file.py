"""The credentials file: private from its first byte, and refused if others can read or replace it."""

from __future__ import annotations

import fcntl
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from alexa_props.auth.token_endpoint import TOKEN_URL
from alexa_props.cli.client import smart_properties
from alexa_props.cli.credentials import find, place
from alexa_props.cli.stored_login import Credentials, prepare, save
from alexa_props.errors import ConfigurationError
from alexa_props.settings import Secret
from tests.secrets.leaks import Leaks, faces, shown

LEAKS = Leaks({"client secret": "canary-client-secret", "refresh token": "Atzr|canary-refresh-token"})
as_root = pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root gives files away")


@pytest.fixture(autouse=True)
def _open_umask() -> Iterator[None]:
    """Files are private only if the code makes them so."""
    before = os.umask(0)
    yield
    os.umask(before)


def credentials(path: Path, **changes: Any) -> Credentials:
    made = Credentials(
        path=path,
        client_id="client-1",
        client_secret=Secret("canary-client-secret"),
        refresh_token=Secret("Atzr|canary-refresh-token"),
        region="NA",
        base_url=None,
        token_url=TOKEN_URL,
    )
    return attrs.evolve(made, **changes)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    path = tmp_path / "config" / "alexa-props" / "credentials.json"
    save(credentials(path))
    return path


def test_files_and_folders_are_private_whatever_the_umask(tmp_path: Path, kept: Path) -> None:
    assert [mode(path) for path in (kept, kept.parent, kept.parent.parent)] == [0o600, 0o700, 0o700]
    assert list(kept.parent.iterdir()) == [kept]
    save(credentials(kept, refresh_token=Secret("Atzr|canary-refresh-token-2")))
    assert mode(kept) == 0o600
    assert list(kept.parent.iterdir()) == [kept]
    assert find(kept) == credentials(kept, refresh_token=Secret("Atzr|canary-refresh-token-2"))


def test_the_default_folder_is_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    save(credentials(place(None, None).path))
    assert [mode(tmp_path / name) for name in (".config", ".config/alexa-props")] == [0o700, 0o700]
    assert find(None).refresh_token == Secret("Atzr|canary-refresh-token")


def test_no_byte_is_written_to_a_file_that_others_can_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[tuple[int, int]] = []
    kept_open = os.open

    def watched(path: Any, flags: int, mode: int = 0o777, **options: Any) -> int:
        handle = kept_open(path, flags, mode, **options)
        if flags & os.O_CREAT:
            opened.append((flags, stat.S_IMODE(os.fstat(handle).st_mode)))
        return handle

    monkeypatch.setattr(os, "open", watched)
    path = tmp_path / "credentials.json"
    # Another user has opened it: the secrets go to a new file, which replaces this one.
    path.write_text("")
    path.chmod(0o666)
    seen = path.stat().st_ino
    with path.open() as reader:
        save(credentials(path))
        assert reader.read() == ""
    assert path.stat().st_ino != seen
    assert mode(path) == 0o600
    [(flags, first)] = opened
    assert flags & os.O_EXCL
    assert first == 0o600


def test_a_write_that_fails_leaves_the_old_file_and_no_other(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = kept.read_bytes()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space") as caught:
        save(credentials(kept, refresh_token=Secret("Atzr|canary-refresh-token-2")))
    assert kept.read_bytes() == before
    assert list(kept.parent.iterdir()) == [kept]
    LEAKS.check(shown(caught.value))


@pytest.mark.parametrize("bits", [0o640, 0o604, 0o601])
def test_a_file_that_is_open_to_others_is_refused(kept: Path, bits: int) -> None:
    kept.chmod(bits)
    with pytest.raises(
        ConfigurationError, match="holds secrets, and other users can read it: run `chmod 600 "
    ) as caught:
        find(kept)
    LEAKS.check_error(caught.value)
    kept.chmod(0o400)
    assert find(kept).client_id == "client-1"


@pytest.mark.parametrize("bits", [0o702, 0o722])
def test_a_folder_in_which_others_can_replace_the_file_is_refused(kept: Path, bits: int) -> None:
    kept.parent.chmod(bits)
    with pytest.raises(ConfigurationError, match="everybody can write to it: run `chmod o-w ") as caught:
        find(kept)
    LEAKS.check_error(caught.value)
    for write in (prepare, save):
        with pytest.raises(ConfigurationError, match="everybody can write to it") as caught:
            write(credentials(kept))
        LEAKS.check_error(caught.value)
    assert list(kept.parent.iterdir()) == [kept]


@pytest.mark.parametrize("bits", [0o775, 0o1777])
def test_a_folder_in_which_others_cannot_replace_the_file_is_accepted(kept: Path, bits: int) -> None:
    kept.parent.chmod(bits)
    prepare(credentials(kept))
    assert find(kept).client_id == "client-1"


@as_root
def test_root_may_use_the_file_of_a_user_and_leaves_it_theirs(kept: Path) -> None:
    os.chown(kept, 65534, 65534)
    assert find(kept).client_id == "client-1"
    save(credentials(kept))
    assert (kept.stat().st_uid, kept.stat().st_gid, stat.S_IMODE(kept.stat().st_mode)) == (65534, 65534, 0o600)


@pytest.mark.skipif(os.name != "posix", reason="users have numbers there")
def test_a_file_of_another_user_is_refused(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: kept.stat().st_uid + 1)
    with pytest.raises(ConfigurationError, match="belongs to another user") as caught:
        find(kept)
    LEAKS.check_error(caught.value)


def test_a_link_is_followed_to_what_it_hides(kept: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.json"
    link.symlink_to(kept)
    assert find(link).client_id == "client-1"
    kept.chmod(0o644)
    with pytest.raises(ConfigurationError, match="other users can read it"):
        find(link)
    kept.chmod(0o600)
    kept.parent.chmod(0o777)
    with pytest.raises(ConfigurationError, match="everybody can write to it"):
        find(link)


@pytest.mark.parametrize("ours", ["folder", "link"])
@as_root
def test_a_link_of_another_user_is_never_followed(kept: Path, tmp_path: Path, ours: str) -> None:
    link = tmp_path / "link"
    link.symlink_to(kept.parent if ours == "folder" else kept)
    os.lchown(link, 65534, 65534)
    path, before = link / kept.name if ours == "folder" else link, kept.read_bytes()
    for use in (
        find,
        lambda path: place(path, None),
        lambda path: prepare(credentials(path)),
        lambda path: save(credentials(path)),
    ):
        with pytest.raises(
            ConfigurationError, match="is a link that belongs to another user, and is not followed"
        ) as caught:
            use(path)
        LEAKS.check_error(caught.value)
    assert (kept.read_bytes(), list(kept.parent.iterdir())) == (before, [kept])


def test_a_file_is_written_through_a_link_of_the_same_user(kept: Path, tmp_path: Path) -> None:
    (tmp_path / "to the folder").symlink_to("config/alexa-props/../alexa-props")
    link = tmp_path / "link.json"
    link.symlink_to("to the folder/credentials.json")
    save(credentials(link, client_id="client-2"))
    assert link.is_symlink()
    assert find(kept).client_id == find(link).client_id == "client-2"


def test_links_that_lead_nowhere(tmp_path: Path) -> None:
    ring = tmp_path / "ring"
    ring.symlink_to(ring)
    with pytest.raises(OSError, match="Too many levels of symbolic links"):
        find(ring)


def others_replace(kept: Path, tmp_path: Path, way: str) -> str:
    """Let others replace the file, in some way; return the message that reports it."""
    above = tmp_path / "config"
    match way:
        case "everybody writes above it":
            above.chmod(0o777)
            return f"{above}, above {kept.parent}, is for secrets, but everybody can write to it: run `chmod o-w "
        case "another group writes to it":
            os.chown(kept.parent, -1, 65534)
            kept.parent.chmod(0o770)
            return f"{kept.parent} is for secrets, but another group can write to it: run `chmod g-w "
        case "a sticky folder of another user":
            kept.parent.chmod(0o1777)
            os.chown(kept.parent, 65534, 65534)
            return f"{kept.parent} belongs to another user, who could replace the secrets in it: choose "
        case _:
            os.chown(above, 65534, 65534)
            return f"{above}, above {kept.parent}, belongs to another user"


OTHERS = [
    "everybody writes above it",
    *(
        pytest.param(way, marks=as_root)
        for way in ("another group writes to it", "a sticky folder of another user", "another user's folder above it")
    ),
]


@pytest.mark.parametrize("way", OTHERS)
def test_folders_all_the_way_up_are_checked(kept: Path, tmp_path: Path, way: str) -> None:
    said = others_replace(kept, tmp_path, way)
    for use in (find, lambda path: prepare(credentials(path)), lambda path: save(credentials(path))):
        with pytest.raises(ConfigurationError) as caught:
            use(kept)
        assert str(caught.value).startswith(said)
        LEAKS.check_error(caught.value)
    assert list(kept.parent.iterdir()) == [kept]


@as_root
def test_root_may_use_a_file_in_its_owners_folders_but_not_in_a_third_users(kept: Path, tmp_path: Path) -> None:
    for path in (kept, kept.parent, kept.parent.parent):
        os.chown(path, 65534, 65534)
    save(credentials(kept, client_id="client-2"))
    assert find(kept).client_id == "client-2"
    os.chown(tmp_path / "config", 65533, 65533)
    with pytest.raises(ConfigurationError, match="belongs to another user, who could replace"):
        find(kept)


@pytest.mark.timeout(30)
@pytest.mark.parametrize("kind", ["a FIFO", "a folder"])
def test_anything_but_a_regular_file_is_refused_immediately(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "credentials.json"
    if kind == "a FIFO":
        os.mkfifo(path, 0o600)
    else:
        path.mkdir()
    for use in (find, lambda path: prepare(credentials(path)), lambda path: save(credentials(path))):
        with pytest.raises(ConfigurationError, match="is not a regular file"):
            use(path)
    assert not path.is_file()


def test_a_folder_locked_by_another_command_is_waited_for(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            os.close(other)

    monkeypatch.setattr(time, "sleep", sleep)
    other = os.open(kept.parent, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    save(credentials(kept, client_id="client-2"))
    assert (len(waits), find(kept).client_id) == (3, "client-2")


def test_a_folder_that_stays_locked_does_not_stop_a_command(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", lambda _: now.append(now.pop() + 1))
    other = os.open(kept.parent, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    save(credentials(kept, client_id="client-2"))
    os.close(other)
    assert (now, find(kept).client_id) == ([5.0], "client-2")


@pytest.mark.parametrize(
    "content",
    [
        '{"client_id": "c", "client_secret": "canary-client-secret", "refresh_token": "Atzr|canary-refresh-token',
        '{"client_secret": "canary-client-secret", "refresh_token": "Atzr|canary-refresh-token"}',
        '["canary-client-secret", "Atzr|canary-refresh-token"]',
        "canary-client-secret\x00Atzr|canary-refresh-token",
    ],
    ids=["truncated", "incomplete", "an array", "not JSON"],
)
def test_an_invalid_file_is_not_quoted(kept: Path, content: str) -> None:
    kept.write_text(content)
    with pytest.raises(ConfigurationError, match="run `alexa-props login` again") as caught:
        find(kept)
    LEAKS.check_error(caught.value)


def test_found_credentials_show_no_secret(kept: Path) -> None:
    found = find(kept)
    LEAKS.check(faces(found))
    LEAKS.check(iter([("asdict", repr(attrs.asdict(found))), ("source", found.source)]))
    client = smart_properties(found)
    LEAKS.check(faces(client))
