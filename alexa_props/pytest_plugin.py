"""Fixtures for tests of programs that use this library: a simulator and clients for it.

Installed with the package. pytest imports this file in every project, so everything else is imported by the fixtures.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from alexa_props import AlexaForBusiness, SmartProperties
    from alexa_props.simulator import Simulator

__all__ = ["alexa_for_business", "alexa_simulator", "pytest_configure", "smart_properties"]

_MARKER = "alexa_simulator"


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line(
        "markers", f"{_MARKER}(rooms=40, seed=3, ...): arguments of the `Simulator` of the fixture `alexa_simulator`"
    )


@pytest.fixture
def alexa_simulator(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    """A new `alexa_props.simulator.Simulator` for each test.

    `@pytest.mark.alexa_simulator(rooms=40, seed=3)` on a test, a class or a module passes arguments to it; the closest
    one counts. Its clients are closed after the test.
    """
    # Imported here, because it takes half a second and needs an extra.
    from alexa_props.simulator import Simulator

    marker = request.node.get_closest_marker(_MARKER)
    simulator = Simulator() if marker is None else Simulator(*marker.args, **marker.kwargs)
    yield simulator
    _close(simulator)


@pytest.fixture
def smart_properties(alexa_simulator: Simulator) -> SmartProperties:
    """A `SmartProperties` for the simulator, in the same process. It needs no `async with`."""
    return alexa_simulator.smart_properties()


@pytest.fixture
def alexa_for_business(alexa_simulator: Simulator) -> AlexaForBusiness:
    """An `AlexaForBusiness` for the simulator, in the same process. It needs no `async with`."""
    return alexa_simulator.for_business()


def _close(simulator: Simulator) -> None:
    """Close the clients in an event loop of a separate thread.

    That of the test may have ended, and running another one in this thread would replace the current event loop, which
    other plugins rely on.
    """
    # Imported here, as above.
    from concurrent.futures import ThreadPoolExecutor

    import anyio

    with ThreadPoolExecutor(1, "alexa_simulator") as threads:
        threads.submit(anyio.run, simulator.aclose).result()
