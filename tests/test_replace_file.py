"""Files that are replaced in one step."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from alexa_props.replace_file import replace_file


def test_a_failure_leaves_the_present_file_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "names"
    replace_file(path, ["one\n", "two\n"], mode=0o600)

    def parts() -> Iterator[str]:
        yield "three\n"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replace_file(path, parts())
    assert [each.name for each in tmp_path.iterdir()] == ["names"]
    assert path.read_bytes() == b"one\ntwo\n"
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.skipif(os.name != "posix", reason="there are no links or pipes")
def test_links_are_followed_and_pipes_are_written_to(tmp_path: Path) -> None:
    file, link, pipe = (tmp_path / name for name in ("file", "link", "pipe"))
    file.write_text("old")
    link.symlink_to(file)
    replace_file(link, ["new"])
    assert (link.is_symlink(), file.read_text()) == (True, "new")
    replace_file(link, ["newer"], follow_links=False)
    assert (link.is_symlink(), link.read_text(), file.read_text()) == (False, "newer", "new")

    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        replace_file(pipe, ["text"])
        assert (pipe.is_fifo(), os.read(reader, 10)) == (True, b"text")
    finally:
        os.close(reader)
