"""The notebook as its reader runs it: all cells once, in one kernel."""

from __future__ import annotations

import base64
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

NOTEBOOK = Path(__file__).parent.parent.parent / "examples" / "fleet.ipynb"
KERNEL = {
    "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
    "display_name": "Python 3",
    "language": "python",
}
PNG = b"\x89PNG\r\n\x1a\n"

needs_kernel = pytest.mark.apart
"""A kernel with pandas and matplotlib takes many seconds to start."""


@pytest.fixture(scope="module")
def executed() -> Iterator[Any]:
    """The notebook after all its cells, run by this interpreter: no kernel, profile or cache of the user's is used."""
    # Sockets are in there, whose paths are short: the test's own directory may be too deep.
    with tempfile.TemporaryDirectory(prefix="nb") as folder, pytest.MonkeyPatch.context() as environment:
        environment.setenv("JUPYTER_PLATFORM_DIRS", "1")
        for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "MPLCONFIGDIR"):
            environment.setenv(name, folder)
        # What a notebook calls is measured elsewhere, at half the speed.
        for name in ("MPLBACKEND", *(name for name in os.environ if name.startswith("COVERAGE_"))):
            environment.delenv(name, raising=False)
        # Matplotlib looks for fonts when it is first imported, and says so in the cell if that takes long.
        subprocess.run([sys.executable, "-c", "import matplotlib.font_manager"], check=True, capture_output=True)
        import nbformat  # after the environment is set: it is read on import
        from jupyter_client.kernelspec import KernelSpecManager
        from jupyter_client.manager import AsyncKernelManager
        from nbclient import NotebookClient

        spec = Path(folder, "kernels", "python3")
        spec.mkdir(parents=True)
        (spec / "kernel.json").write_text(json.dumps(KERNEL))
        specs = KernelSpecManager(kernel_dirs=[str(spec.parent)], ensure_native_kernel=False)
        sockets = str(Path(folder, "kernel"))
        kernel = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=specs, transport="ipc", ip=sockets)
        notebook = nbformat.reads(NOTEBOOK.read_text(encoding="utf-8"), as_version=4)  # type: ignore[no-untyped-call]
        resources = {"metadata": {"path": folder}}
        NotebookClient(notebook, km=kernel, timeout=60, resources=resources).execute(cleanup_kc=True)
        yield notebook


def outputs(notebook: Any, text: str) -> list[Any]:
    """The outputs of the one cell that has this text."""
    (cell,) = [cell for cell in notebook.cells if cell.cell_type == "code" and text in cell.source]
    found: list[Any] = cell.outputs
    return found


def printed(notebook: Any, text: str) -> str:
    return "".join(output.text for output in outputs(notebook, text))


def shown(notebook: Any, text: str) -> Any:
    """What the last expression of a cell is shown as."""
    return outputs(notebook, text)[-1].data


def test_it_is_stored_without_outputs_and_machine_specific_metadata() -> None:
    text = NOTEBOOK.read_text(encoding="utf-8")
    notebook = json.loads(text)
    assert text == json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
    assert notebook["metadata"] == {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    for cell in notebook["cells"]:
        assert cell["metadata"] == {}
        if cell["cell_type"] == "code":
            assert (cell["outputs"], cell["execution_count"]) == ([], None)
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])


@needs_kernel
def test_every_cell_runs_and_none_warns(executed: Any) -> None:
    cells = [cell for cell in executed.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    written = [output.text for cell in cells for output in cell.outputs if output.get("name") == "stderr"]
    assert written == []


@needs_kernel
def test_the_plan_comes_first_and_counts_the_calls(executed: Any) -> None:
    lines = printed(executed, "fleet.plan(reset").splitlines()
    assert lines[0] == "reset_room: 120 items with 240 endpoints"
    assert "  endpoint_settings.set: 720 calls" in lines
    assert "  alerts.delete_alarms: 120 calls" in lines


@needs_kernel
def test_the_report_names_every_device_that_was_unplugged(executed: Any) -> None:
    report = shown(executed, "progress=True")
    assert re.search(r"120 rooms: 107 done, 13 failed, 0 unknown, in [\d.]+ s", report["text/html"])
    cells = re.findall(
        r"<t[dh][^>]*>([^<]*)</t[dh]>", report["text/html"].replace("<wbr>", "").partition("Failures by property")[2]
    )
    # Devices and rooms.
    assert cells[:9] == ["property", "devices", "rooms", "Seaside 1", "8", "7", "Hôtel du Lac 2", "6", "6"]
    assert cells[9:15] == ["room", "path", "device", "step", "code", "id"]
    # One row per device, although each fails eight steps.
    assert len(cells) == 15 + 6 * 14


@needs_kernel
def test_progress_is_a_widget(executed: Any) -> None:
    bar = outputs(executed, "progress=True")[0].data
    model = bar["application/vnd.jupyter.widget-view+json"]["model_id"]
    widgets = executed.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    assert model in widgets
    texts = [" ".join(str(widget["state"].get("value")).split()) for widget in widgets.values()]
    assert [text for text in texts if text.startswith("120 of 120, 13 failed")]


@needs_kernel
def test_failures_are_a_dataframe(executed: Any) -> None:
    table = shown(executed, "to_dataframe(failures=True)")["text/html"]
    assert re.findall(r"<th>(\w+)</th>", table)[:5] == ["name", "path", "device", "code", "endpoint_id"]
    assert "<td>Room 104</td>\n      <td>Seaside 1 / Floor 1</td>\n      <td>Room 104 Echo 1</td>" in table
    assert re.search(r"<td>amzn1\.alexa\.endpoint\.did\.\w{26}</td>", table)
    assert "<td>DEVICE_NOT_REACHABLE, DEVICE_UNREACHABLE</td>" in table


@needs_kernel
def test_failures_by_floor_are_a_picture(executed: Any) -> None:
    lines = shown(executed, "reindex(floors")["text/plain"].splitlines()
    assert [" ".join(line.split()) for line in lines[1:-1]] == [
        "Seaside 1 / Floor 1 2",
        "Seaside 1 / Floor 2 0",
        "Seaside 1 / Floor 3 6",
        "Hôtel du Lac 2 / Floor 1 6",
        "Hôtel du Lac 2 / Floor 2 0",
        "Hôtel du Lac 2 / Floor 3 0",
    ]
    (plot,) = outputs(executed, "plot.barh")
    image = base64.b64decode(plot.data["image/png"])
    assert image.startswith(PNG)
    width, height = struct.unpack(">II", image[16:24])
    assert width > 400
    assert height > 200


@needs_kernel
def test_the_second_run_repeats_what_had_failed_and_the_third_nothing(executed: Any) -> None:
    assert "13 rooms: 13 done, 0 failed, 0 unknown, 107 skipped" in shown(executed, "retry_failed=True")["text/plain"]
    assert "0 items: 0 done, 0 failed, 0 unknown, 120 skipped" in shown(executed, "nothing_left")["text/plain"]


@needs_kernel
def test_a_run_that_is_stopped_ends_what_it_began_and_one_that_is_left_says_what_that_was(executed: Any) -> None:
    stopped = re.fullmatch(r"(\d+) of 120 rooms: enough for a trial\n", printed(executed, "run.stop("))
    assert stopped
    assert 40 <= int(stopped[1]) < 120
    first, left = printed(executed, "run.in_flight").splitlines()
    assert first.startswith("the first: done Room 1")
    assert re.match(r"in flight: \[\('Room \d+', '(unknown|done)'\)", left)


@needs_kernel
def test_a_station_that_is_right_is_not_written_again(executed: Any) -> None:
    first, second = printed(executed, "fleet.ensure_default_music_station").splitlines()
    assert "120 done" in first
    assert "120 changed" in first
    assert int(first.split()[-4]) >= 120
    assert second.endswith(": 0 changed, 0 writes were sent")


@needs_kernel
def test_the_limits_show_what_was_learned(executed: Any) -> None:
    table = shown(executed, "asp.limits")["text/html"]
    assert re.findall(r"<th>(\w+)</th>", table)[:4] == ["operation", "rate", "ceiling", "refused"]
    assert "<td>endpoint_settings.set</td>" in table
