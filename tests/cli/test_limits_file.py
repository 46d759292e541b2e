"""The file of `--limits`: it is replaced in one step, links are not followed, and errors name the file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from alexa_props import Limits
from alexa_props.cli import limits_file
from alexa_props.errors import ConfigurationError
from alexa_props.limits import ScopeLimits

LIMITS = Limits({"units.list": ScopeLimits(rate=4.0, ceiling=5.0)})


def test_saved_limits_are_loaded(tmp_path: Path) -> None:
    path = tmp_path / "limits.json"
    assert limits_file.load(path) is None
    limits_file.save(path, LIMITS)
    assert limits_file.load(path) == LIMITS
    assert os.listdir(tmp_path) == ["limits.json"]  # noqa: PTH208 - names are compared


def test_it_is_on_the_disk_before_it_replaces_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, synced = tmp_path / "limits.json", list[int]()
    fsync, replace = os.fsync, Path.replace

    def noted(handle: int) -> None:
        fsync(handle)
        synced.append(os.fstat(handle).st_ino)

    monkeypatch.setattr(os, "fsync", noted)

    def checked(self: Path, target: Path) -> Path:
        assert synced == [self.stat().st_ino]
        assert self.parent == target.parent
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", checked)
    limits_file.save(path, LIMITS)
    assert path.stat().st_ino == synced[0]


def test_a_planted_link_is_not_written_through(tmp_path: Path) -> None:
    victim, path = tmp_path / "victim", tmp_path / "limits.json"
    victim.write_text("precious")
    for link in (path, tmp_path / "limits.json.new"):
        link.symlink_to(victim)
    limits_file.save(path, LIMITS)
    assert victim.read_text() == "precious"
    assert not path.is_symlink()
    assert limits_file.load(path) == LIMITS


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.write_bytes(b"\xff"), "delete the file, or name another one"),
        (lambda path: path.write_text('{"units.list": {"rate": 0}}'), "delete the file, or name another one"),
        (os.mkfifo, "not a regular file"),
        (lambda path: path.symlink_to("/dev/null"), "not a regular file"),
        (lambda path: path.parent.rmdir(), "there is no folder"),
    ],
)
def test_a_file_without_limits_is_refused_by_name(tmp_path: Path, make: object, words: str) -> None:
    path = tmp_path / "folder" / "limits.json"
    path.parent.mkdir()
    assert callable(make)
    make(path)
    with pytest.raises(ConfigurationError) as refused:
        limits_file.load(path)
    assert str(refused.value).startswith(f"--limits {path}: ")
    assert words in str(refused.value)


def test_limits_that_cannot_be_stored_are_reported_and_leave_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "limits.json"
    path.mkdir()
    limits_file.save(path, LIMITS)
    assert f"alexa-props: cannot store the learned rates in {path}: " in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [path]
