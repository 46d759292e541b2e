"""The benchmarks' quick form, on this interpreter, with the fallback server: what can be counted, never seconds."""

import importlib
import itertools
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks import picture, processes, quota_changing, quota_shapes, server, soak
from benchmarks.__main__ import BY_NAME, QUESTIONS, SOAK
from benchmarks.bench import Bench, Table, markdown, shown

Counted = Callable[[str], dict[str, Any]]
ROOT = Path(__file__).parent.parent


def benchmarks(*options: str) -> subprocess.CompletedProcess[str]:
    # Measured coverage would be work of its own, in every process.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    command = [sys.executable, "-m", "benchmarks", *options, "--json"]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True)


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    done = benchmarks("--quick", "--here", "--server", "fallback")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture
def counted(report: dict[str, Any]) -> Counted:
    """What a question counted: its subjects, each with the figures of its only round."""

    def of(question: str) -> dict[str, Any]:
        extra = report["questions"][question][0]["extra"]
        return {name: rounds[0] for name, rounds in extra.items()}

    return of


@pytest.mark.apart
def test_every_question_has_an_answer(report: dict[str, Any]) -> None:
    assert tuple(report["questions"]) == QUESTIONS
    for question, tables in report["questions"].items():
        for table in tables:
            assert table["rows"]
            for name, cells in table["rows"].items():
                assert len(cells) == len(table["columns"]), (question, name)
                assert all(cell is None or len(cell) == 1 for cell in cells), (question, name)


@pytest.mark.apart
def test_a_call_is_one_request_and_little_more_than_bare_aiohttp_to_the_event_loop(counted: Counted) -> None:
    work = counted("work")
    for ours, bare in (
        ("ours, Alexa for Business", "bare aiohttp, POST"),
        ("ours, Smart Properties", "bare aiohttp, GET"),
    ):
        assert work[ours]["requests"] == 1
        for workers in (1, 100):
            assert work[ours][f"handles {workers}"] <= work[bare][f"handles {workers}"] + 3
            assert work[ours][f"turns {workers}"] <= work[bare][f"turns {workers}"] + 1.5


@pytest.mark.apart
def test_a_call_in_flight_takes_a_bounded_amount_of_memory_and_keeps_none(counted: Counted) -> None:
    work = counted("work")
    for name in ("ours, Alexa for Business", "ours, Smart Properties"):
        assert 0 < work[name]["peak"] < 48 * 1024
        assert work[name]["kept"] < 5  # blocks; one object kept for each call would be several


@pytest.mark.apart
def test_a_page_is_decoded_in_whole(counted: Counted) -> None:
    assert {name: found["items"] for name, found in counted("decode").items()}["ours"] == 50


@pytest.mark.apart
def test_importing_pulls_in_nothing_heavy(counted: Counted) -> None:
    imports = counted("imports")
    assert imports["alexa_props"]["came"] == []
    assert imports["alexa_props, 200 more operations"]["groups"] == 0
    assert imports["aiohttp"]["came"] == ["aiohttp"]


@pytest.mark.apart
def test_paging_asks_for_each_page_once_ahead_or_not(counted: Counted) -> None:
    for name in ("ours", "ours, prefetch"):
        found = counted("paging")[name]
        assert found["requests"] == found["pages"] == 10
        assert found["items"] == 500


@pytest.mark.apart
def test_a_thousand_waiters_ask_for_one_token(counted: Counted) -> None:
    found = counted("token_refresh")["without a token"]
    assert (found["token requests"], found["refused"], found["lost"]) == (1, 0, 0)


@pytest.mark.apart
def test_a_refused_token_is_replaced_once_however_many_were_refused(counted: Counted) -> None:
    found = counted("token_refresh")["first token refused"]
    assert found["token requests"] == 2
    assert 0 < found["refused"] <= 1000
    assert found["lost"] == 0


@pytest.mark.apart
def test_a_run_over_many_items_takes_no_more_memory_than_one_over_few(counted: Counted) -> None:
    fleet = counted("fleet")
    for name in ("ours", "ours, in order", "ours, with a journal"):
        found = fleet[name]
        assert found["items"] == found["many"] == 100 * found["few"]
        assert found["many MiB"] - found["few MiB"] < 5
    assert fleet["ours, with a journal"]["recorded"] == fleet["ours, with a journal"]["many"]
    # One that keeps something for each item is seen.
    assert fleet["anyio, a task for each item"]["bytes"] > 500


@pytest.mark.apart
def test_an_inventory_takes_a_call_per_50_units_and_10_devices(counted: Counted) -> None:
    for name in ("quota known", "quota unknown"):
        found = counted("inventory")[name]
        assert (found["rooms"], found["devices"]) == (500, 1000)
        assert found["units.list"] <= 50
        assert 100 <= found["endpoints.query"] <= 125


@pytest.mark.apart
def test_at_a_known_quota_nothing_is_refused_and_nothing_lost(counted: Counted) -> None:
    found = counted("quota_known")["ours"]
    assert (found["requests"], found["refused_requests"], found["lost"]) == (200, 0, 0)


@pytest.mark.apart
def test_an_unknown_quota_is_found_with_few_refusals_and_nothing_lost(counted: Counted) -> None:
    found = counted("quota_unknown")["ours, all at once"]
    assert found["lost"] == 0
    assert found["requests"] == 300 + found["refused_requests"]
    assert found["refused_requests"] <= 30


@pytest.mark.apart
def test_the_quota_did_refuse_a_client_that_only_repeats(counted: Counted) -> None:
    peer = counted("quota_unknown")["openai-style, 16 workers"]
    assert peer["refused_requests"] > 30


@pytest.mark.apart
def test_a_changing_quota_is_followed_with_few_refusals_and_nothing_lost(counted: Counted) -> None:
    found = counted("quota_changing")["ours"]
    accepted, refused = sum(found["accepted_by_time"]), sum(found["refused_by_time"])
    assert found["lost"] == 0
    assert 0 < accepted <= sum(2 * rate + 10 for rate in quota_changing.PHASES) * 1.02
    assert refused <= 0.1 * accepted


@pytest.mark.apart
def test_processes_that_share_a_quota_lose_nothing_and_get_equal_parts() -> None:
    done = benchmarks("quota_shared", "--quick", "--here", "--server", "fallback")
    assert done.returncode == 0, done.stderr
    _, known = json.loads(done.stdout)["questions"]["quota_shared"]
    for kind, (found,) in known["extra"].items():
        assert found["lost"] == 0, kind
        assert found["requests"] > 100, kind
        assert len(found["items"]) == 4, kind
        assert min(found["items"]) > 0, kind


def test_a_question_that_takes_long_is_asked_by_its_name_only() -> None:
    for question in BY_NAME:
        assert question not in QUESTIONS
        assert callable(importlib.import_module(f"benchmarks.{question}").run)


@pytest.mark.apart
def test_processes_take_their_steps_together_and_end_with_the_block() -> None:
    bench = Bench(sys.executable, "fallback", quick=True, may_miss=True)
    with server.serve("fallback", sys.executable) as service:
        load = [{"url": service.url, "seconds": 0.2, "shared": None, "workers": number} for number in (1, 2, 3)]
        with processes.start(bench, "sharing", load, seconds=60) as group:
            group.go()
            group.kill(1)
            assert [each["workers"] for each in group.results()] == [1, 3]
        with processes.start(bench, "sharing", [each | {"seconds": 60} for each in load], seconds=60) as group:
            mark = service.mark()
            group.go()
            while service.mark() == mark:
                time.sleep(0.01)
        until = time.monotonic() + 30
        # The kernel closes the files of a process before the process has ended.
        while any(map(is_running, group.pids)) and time.monotonic() < until:
            time.sleep(0.01)
        assert not [pid for pid in group.pids if is_running(pid)]


def is_running(pid: int) -> bool:
    """A zombie, which nobody has waited for yet, is not."""
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_a_quota_of_any_shape_is_used_and_no_call_is_lost(counted: Counted) -> None:
    for cell in counted("quota_shapes")["ours"]["cells"]:
        assert cell["lost"] == 0, cell
        assert 0 < cell["used"] <= 100, cell
        assert cell["difference"] >= -20, cell


def test_no_shape_accepts_more_than_is_available() -> None:
    for shape, rate in itertools.product(quota_shapes.SHAPES, quota_shapes.RATES):
        quota = quota_shapes.SHAPES[shape](rate, 20.0, random.Random(1))
        accepted = sum(quota.accepts(number / (20 * rate)) for number in range(int(400 * rate)))
        assert 0.6 * quota.available <= accepted <= quota.available


def test_the_leaky_bucket_lets_a_burst_through_and_then_the_rate() -> None:
    from benchmarks.fallback import leaky_bucket

    take = leaky_bucket(100, 10)
    assert [take(1_000) for _ in range(13)] == [True] * 11 + [False] * 2
    assert [take(1_010), take(1_010), take(1_019), take(1_020)] == [True, False, False, True]
    assert sum(take(at) for at in range(60_000, 70_000)) == 1_000 + 10


@pytest.mark.apart
def test_a_soak_of_seconds_leaves_no_task_and_no_descriptor() -> None:
    done = benchmarks(SOAK, "--minutes", "0.04")
    assert done.returncode == 0, done.stderr + done.stdout
    found = json.loads(done.stdout)["questions"][SOAK][0]["extra"]
    before, *_, closed = found["samples"]
    assert found["grown"] == []
    assert closed["calls"] > 50
    assert found["ends"]["done"] > 10
    assert found["ends"]["cancelled"] > 0
    assert (closed["tasks"], closed["descriptors"]) == (before["tasks"], before["descriptors"])


SAMPLES = [
    {"when": when, "RSS, MiB": memory, "descriptors": descriptors, "tasks": 1}
    for when, memory, descriptors in [
        ("before", 35, 7),
        ("start", 57, 39),
        ("2/3", 90, 7),
        ("end", 73, 12),
        ("closed", 73, 7),
    ]
]


@pytest.mark.parametrize(
    ("sample", "name", "value", "said"),
    [
        (0, "tasks", 1, None),
        (2, "tasks", 2, "2/3: 2 tasks, 1 before"),
        (4, "tasks", 3, "closed: 3 tasks, 1 before"),
        (3, "descriptors", 40, "end: 40 descriptors, 7 before"),
        (4, "descriptors", 8, "closed: 8 descriptors, 7 before"),
        (3, "RSS, MiB", 73.1, "16.1 MiB more from start to end"),
    ],
)
def test_a_soak_says_what_grew(sample: int, name: str, value: float, said: str | None) -> None:
    samples = [dict(each) for each in SAMPLES]
    samples[sample][name] = value
    assert soak.grown(samples, {"done": 1}) == ([] if said is None else [said])


def test_a_soak_says_that_a_token_was_lost_and_that_nothing_was_done() -> None:
    assert soak.grown(SAMPLES, {"AuthenticationError": 1}) == ["a refresh token was lost", "no call succeeded"]


@pytest.mark.parametrize(
    ("samples", "text"),
    [(None, ""), ([2.0], "2"), ([1.0, 3.0, 2.0], "2 (1-3)"), ([1234.5], "1,234"), ([0.5678], "0.568"), ([0], "0")],
)
def test_a_cell_shows_the_median_and_the_range(samples: list[float] | None, text: str) -> None:
    assert shown(samples) == text


def test_a_table_is_markdown() -> None:
    table = Table("Title", ("one", "two"), {"ours": ([1], None)}, "A note.")
    assert markdown(table).splitlines() == [
        "**Title**",
        "",
        "|      | one  | two  |",
        "| ---  | ---: | ---: |",
        "| ours | 1    |      |",
        "",
        "A note.",
    ]


def test_the_picture_shows_what_was_counted() -> None:
    middle: dict[str, Any] = {"accepted": 90.0, "refused": 1.5, "lost": 0, "bin": 0.5}
    middle |= {"accepted_by_time": [50] * 30 + [25] * 30, "refused_by_time": [0] * 29 + [10] + [0] * 30}
    rounds = [middle | {"accepted": 10.0, "lost": 7}, middle, middle | {"accepted": 99.0, "lost": 7}]
    svg = picture.draw(Table("", (), {}, extra={"ours": rounds}), (100, 50, 200))
    assert "90 % used, 1.5 % refused, 0 lost" in svg
    accepted = next(line for line in svg.splitlines() if picture.ACCEPTED in line and "<path" in line)
    assert accepted.count("V96H") == 30  # 100 a second, of 250 on 160 pixels
    assert accepted.count("V128H") == 30
