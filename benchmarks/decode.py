"""How long does it take to turn a page of 50 devices into objects?

The JSON of a SearchDevices answer becomes a page of models: ours (`json.loads`, cattrs converters, frozen attrs
classes, enums and times), botocore's parser with the output shape of its service model (dicts), and plain cattrs (its
default converter on attrs classes made from the same shape, every member optional). `msgspec`-like decoders are not
compared: they need models of their own. Two pages: devices with every member of the model set, and the ten members
that devices had in 2018, without times (botocore takes long for times).
Microseconds of CPU for a page; a ratio below 1 means ours is faster.
"""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from benchmarks.answers import PAGE, search
from benchmarks.bench import Bench, Table, ask, in_turn, ratios, samples

_SUBJECTS: Final = {"ours": "ours", "botocore's parser": "botocore_parser", "plain cattrs": "plain_cattrs"}
_PAGES: Final = {"every member": True, "without times": False}


def run(bench: Bench) -> list[Table]:
    """Ask the question."""
    times = 100 if bench.quick else 300
    subjects = {
        name: partial(ask, bench, "decode", "take", which=which, times=times) for name, which in _SUBJECTS.items()
    }
    found = in_turn(bench, subjects, bench.cpu_rounds)
    rows = {name: tuple(samples(rounds, key) for key in _PAGES) for name, rounds in found.items()}
    for peer in list(rows)[1:]:
        rows[f"ours / {peer}"] = tuple(map(ratios, rows["ours"], rows[peer]))
    return [Table(f"A page of {PAGE} devices, µs of CPU", tuple(_PAGES), rows, extra=found)]


def take(which: str, times: int) -> dict[str, Any]:
    """Microseconds for a page, by kind of page, and how many devices came out."""
    decode = {"ours": ours, "botocore_parser": botocore_parser, "plain_cattrs": plain_cattrs}[which]()
    found: dict[str, Any] = {}
    for name, details in _PAGES.items():
        content = search(0, 2, details=details)
        for _ in range(times // 5):
            decode(content)
        found["items"] = len(decode(content))
        began = time.process_time()
        for _ in range(times):
            decode(content)
        found[name] = (time.process_time() - began) / times * 1e6
    return found


def ours() -> Callable[[bytes], Any]:
    """What happens to an answer after it was read. The one place here that looks below the public surface."""
    import httpx

    from alexa_props.call import Call
    from alexa_props.for_business.devices import SEARCH
    from alexa_props.for_business.protocol import PROTOCOL

    call = Call(SEARCH, PROTOCOL, {})
    return lambda content: PROTOCOL.decode(call, httpx.Response(200, content=content)).items


def botocore_parser() -> Callable[[bytes], Any]:
    """The parser of AWS JSON of botocore, with the output shape of SearchDevices."""
    from botocore.parsers import create_parser

    parser, shape = create_parser("json"), _shape()
    return lambda content: parser.parse({"body": content, "headers": {}, "status_code": 200}, shape)["Devices"]


def plain_cattrs() -> Callable[[bytes], Any]:
    """A converter of cattrs as it comes, on attrs classes made from the output shape."""
    import attrs
    import cattrs

    def model(shape: Any) -> Any:
        kinds = {"integer": int, "timestamp": dt.datetime}
        if shape.type_name == "list":
            return list[model(shape.member)]  # type: ignore[misc]
        if shape.type_name != "structure":
            return kinds.get(shape.type_name, str)
        members = {name: attrs.field(type=model(member) | None, default=None) for name, member in shape.members.items()}
        return attrs.make_class(shape.name, members, frozen=True)

    converter, to = cattrs.Converter(), model(_shape())
    converter.register_structure_hook(dt.datetime, lambda value, _: dt.datetime.fromtimestamp(value, dt.UTC))
    return lambda content: converter.structure(json.loads(content), to).Devices


def _shape() -> Any:
    import botocore.exceptions
    import botocore.session

    try:
        service = botocore.session.get_session().get_service_model("alexaforbusiness")
    except botocore.exceptions.UnknownServiceError:
        # The service was removed: a later botocore is not the peer.
        raise ModuleNotFoundError(name="botocore with alexaforbusiness") from None
    return service.operation_model("SearchDevices").output_shape
