"""The files in `rules/` as data: what each case asks, what the service answers, and what must be observed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, Literal

import attrs
import cattrs
import cattrs.gen

from alexa_props import RetryPolicy

__all__ = ["FOLDER", "UNSAID", "Answer", "Case", "Client", "Error", "Fails", "Observed", "Question", "Rule", "read"]

FOLDER: Final = Path(__file__).parent / "rules"

Fails = Literal["refused", "connecting hangs", "no place", "reset before", "reset after", "cut off", "no answer"]
"""How an exchange fails: connections are refused or never accepted, the pool is full, the connection is lost before or
after the service has handled the request, or in the middle of its response, or no response ever comes."""


class _Unsaid:
    """Told apart from null, which is something that can be expected."""

    def __repr__(self) -> str:
        return "unsaid"


UNSAID: Final = _Unsaid()


@attrs.frozen
class Question:
    """What the client is asked: an operation, or a raw request.

    Attributes:
        operation: such as "units.list".
        arguments: of the method.
        method: of a raw request.
        path: of a raw request.
        read: whether it is awaited, or iterated for its items.
        resume: the token at which a list is resumed.
    """

    operation: str | None = None
    arguments: dict[str, Any] = attrs.field(factory=dict)
    method: str | None = None
    path: str | None = None
    read: Literal["awaited", "items"] = "awaited"
    resume: str | None = None


@attrs.frozen
class Client:
    """Settings of the client. The others are the defaults, except that the rate limiter does not interfere."""

    login: bool = False
    retry: RetryPolicy = attrs.field(factory=RetryPolicy)
    deadline: float | None = None
    max_wait: float | None = None


@attrs.frozen
class Answer:
    """One response, or how the exchange fails. In a file, a bare number is a status without a body.

    Attributes:
        status: HTTP status.
        headers: a list sends a header several times; null leaves out the request id, which else is "r-1" for the first
            response, "r-2" for the second and so on.
        json: the body.
        text: the body, in place of `json`.
        hex: the body's bytes, in place of `json`.
        ids: a page of the case's list, of things with these ids, in the form of its service.
        next: the token in that page.
        fails: how the exchange fails.
    """

    status: int = 200
    headers: dict[str, Any] = attrs.field(factory=dict)
    json: Any = UNSAID
    text: str | None = None
    hex: str | None = None
    ids: list[str] | None = None
    next: str | None = None
    fails: Fails | None = None

    def body(self, service: str) -> bytes:
        """Its bytes."""
        if self.hex is not None:
            return bytes.fromhex(self.hex)
        if self.text is not None:
            return self.text.encode()
        if self.ids is not None:
            return json.dumps(_page(service, self.ids, self.next)).encode()
        return b"" if self.json is UNSAID else json.dumps(self.json).encode()


def _page(service: str, ids: list[str], token: str | None) -> dict[str, Any]:
    if service == "for_business":
        return {"Devices": [{"DeviceArn": each} for each in ids], "NextToken": token}
    return {"results": [{"id": each} for each in ids], "paginationContext": {"nextToken": token}}


@attrs.frozen
class Error:
    """What is expected of an error. Its class is exact; `says` are parts of its text; the rest are its attributes."""

    kind: str
    says: list[str] = attrs.field(factory=list)
    status: Any = UNSAID
    code: Any = UNSAID
    message: Any = UNSAID
    request_id: Any = UNSAID
    operation: Any = UNSAID
    attempts: Any = UNSAID
    retry_after: Any = UNSAID
    resume_token: Any = UNSAID
    sent: Any = UNSAID
    wait: Any = UNSAID
    error: Any = UNSAID
    failures: Any = UNSAID

    def __str__(self) -> str:
        return f"{self.kind} {self.attributes}"

    @property
    def attributes(self) -> dict[str, Any]:
        """Those that are expected to be something."""
        said = attrs.asdict(self, recurse=False)
        return {name: value for name, value in said.items() if name not in ("kind", "says") and value is not UNSAID}


@attrs.frozen
class Observed:
    """What must be observed.

    Attributes:
        requests: how many the service was sent, or were tried.
        waits: seconds between one request and the next: a number, or the least and the most. What is not said is 0.
        tokens: how many requests for an access token.
        asked: the token of a page that each request names.
        items: what was read before the end or the error.
        result: what the call gave: the members that are not empty.
        error: what it raised.
    """

    requests: int
    waits: list[Any] = attrs.field(factory=list)
    tokens: int = 0
    asked: list[Any] | None = None
    items: list[Any] | None = None
    result: Any = UNSAID
    error: Error | None = None


@attrs.frozen
class Case:
    """One case of a rule.

    Attributes:
        name: what is special about it.
        observed: what must be observed.
        service: which client.
        call: what it is asked.
        client: its settings.
        answers: in order; the last one repeatedly.
        tokens: responses of the token endpoint; if there are none, it returns a new token each time.
        socket: why it cannot be played on a socket; null where it is.
    """

    name: str
    observed: Observed
    call: Question
    answers: list[Answer]
    service: Literal["smart_properties", "for_business"] = "smart_properties"
    client: Client = attrs.field(factory=Client)
    tokens: list[Answer] = attrs.field(factory=list)
    socket: str | None = None

    def __attrs_post_init__(self) -> None:
        if (self.call.operation is None) == (self.call.method is None):
            raise ValueError(f"{self.name}: a call is either an operation or a method and a path")
        outcomes = (
            self.observed.result is not UNSAID,
            self.observed.items is not None,
            self.observed.error is not None,
        )
        if not any(outcomes) or not self.answers:
            raise ValueError(f"{self.name}: it needs answers, and a result, items or an error to be observed")


@attrs.frozen
class Rule:
    """One file.

    Attributes:
        rule: the rule in a sentence.
        source: where it comes from.
        cases: what shows it.
        file: the file's name.
    """

    rule: str
    source: str
    cases: list[Case]
    file: str


def _strict() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True)
    # What is not text is no text: cattrs would call str() on it.
    converter.register_structure_hook(str, lambda value, _: _checked(value, str))
    converter.register_structure_hook(int, lambda value, _: _checked(value, int))
    converter.register_structure_hook(bool, lambda value, _: _checked(value, bool))
    whole_answer = cattrs.gen.make_dict_structure_fn(Answer, converter, _cattrs_forbid_extra_keys=True)
    converter.register_structure_hook(
        Answer, lambda value, to: Answer(status=value) if isinstance(value, int) else whole_answer(value, to)
    )
    return converter


def _checked(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise TypeError(f"{kind.__name__} was expected, not {value!r}")
    return value


def read(document: dict[str, Any], file: str) -> Rule:
    """The rule of a parsed file; `defaults` are what its cases need not say each.

    Raises:
        cattrs.BaseValidationError: a key is misspelt or missing, or a value is of the wrong kind.
    """
    defaults = document.get("defaults", {})
    cases = [{**defaults, **case} for case in document["cases"]]
    rest = {name: value for name, value in document.items() if name not in ("defaults", "cases")}
    return _strict().structure({**rest, "cases": cases, "file": file}, Rule)
