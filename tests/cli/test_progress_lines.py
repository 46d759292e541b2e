"""The progress of a command without a terminal."""

from __future__ import annotations

import logging

import pytest

from alexa_props.cli.progress_lines import progress_lines
from alexa_props.fleet.progress import Meter, listing
from tests.fleet.helpers import Clock, work


def test_prints_a_line_per_minute(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr("time.monotonic", clock)
    log = logging.getLogger("alexa_props.progress")
    before = (log.level, log.propagate, list(log.handlers))
    with progress_lines():
        with listing("reset") as show:
            clock.now += 61
            show(4_050, 8_000)
        with Meter(True, 1_000, "reset", clock=clock) as meter:
            work(meter, clock, seconds=100, per_second=5)
            meter.ended("failed", 0, 1)
    assert capsys.readouterr().err.splitlines() == [
        "alexa-props: reset: listing rooms: 4,050 units, 8,000 devices",
        "alexa-props: reset: 300 of 1,000, 5.0/s, 0:02:20 left",
        "alexa-props: reset: 501 of 1,000, 1 failed, 5.0/s, 0:01:40 elapsed",
    ]
    assert caplog.records == []
    assert (log.level, log.propagate, list(log.handlers)) == before


def test_prints_nothing_about_a_short_run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr("time.monotonic", clock)
    with progress_lines(), Meter(True, 10, "reset", clock=clock) as meter:
        work(meter, clock, seconds=10, per_second=1)
    assert capsys.readouterr() == ("", "")
