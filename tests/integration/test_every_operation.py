"""Every operation of both services, called through the real client on the simulator's socket."""

from __future__ import annotations

import attrs

from alexa_props.paging import Pager
from alexa_props.simulator import Simulator
from tests.wire import CALLS, IDS, OPERATIONS, clients


async def test_the_simulator_sees_and_accepts_every_operation() -> None:
    accepted: dict[str, int | None] = {}
    sim = Simulator(rooms=5, seed=11)
    async with sim.serve():
        on = clients(sim)
        for call in CALLS.values():
            # Each call finds what it needs, whatever the ones before it have deleted.
            sim.reset()
            on = attrs.evolve(on, others={kind: find(sim) for kind, find in IDS.items()})
            returned = call(on)
            if isinstance(returned, Pager):
                async for _ in returned:
                    pass
            else:
                await returned
            accepted |= {seen.operation: seen.status for seen in sim.calls}
    assert {*accepted} >= {*OPERATIONS}
    assert {name: status for name, status in accepted.items() if status is None or status >= 300} == {}
