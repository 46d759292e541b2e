"""The record of a login that processes share: its tokens, the turn to request new ones, and refused refresh tokens."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

import attrs

from alexa_props.errors import AuthenticationError
from alexa_props.settings import Secret, is_number

__all__ = ["TURN", "Grant", "Holder", "Refusal", "TokenRecord", "fingerprint", "pack", "unpack"]

TURN: Final = 10.0
"""Seconds after which a turn ends unless its holder renews it."""
REFUSED: Final = 60.0
"""Seconds for which a refused refresh token is not tried again."""
_TOLERANCE: Final = 1.0
"""Seconds by which two processes may differ in the time of a store: each estimates it."""
_MOST: Final = 16
"""Fingerprints that are remembered."""


@attrs.frozen(kw_only=True)
class Grant:
    """The tokens of a login. Times are by the clock of the store."""

    refresh: Secret | None = None
    """The refresh token that last worked, or its successor."""
    access: Secret | None = None
    received: float = 0.0
    life: float = 0.0
    version: int = 0
    """Grows with every change of the tokens, and follows the clock: newer tokens have a higher one after a loss too."""
    given: tuple[str, ...] = ()
    """Fingerprints of configured refresh tokens that were tried; the others are new, and are tried first."""

    def after(self, now: float, given: str, **changes: Any) -> Grant:
        """Return the grant with changes that a process with this configured refresh token made."""
        return attrs.evolve(
            self,
            version=max(self.version + 1, int(now * 1000)),
            given=self.with_given(given).given,
            **changes,
        )

    def with_given(self, given: str) -> Grant:
        """Return the grant with a configured refresh token that was tried."""
        return attrs.evolve(self, given=(*(each for each in self.given if each != given), given)[-_MOST:])


@attrs.frozen
class Holder:
    """The process whose turn it is to request tokens."""

    mark: str
    until: float

    def is_current(self, now: float) -> bool:
        """Return whether the turn has not ended. One that ends too far in the future was taken by another clock."""
        return 0 < self.until - now <= TURN + _TOLERANCE


@attrs.frozen
class Refusal:
    """A refresh token that the token endpoint refused with `invalid_grant`."""

    token: str
    """Its fingerprint."""
    at: float
    message: str
    description: str | None
    status: int | None
    request_id: str | None

    def is_current(self, now: float) -> bool:
        """Return whether the token should not be tried again yet."""
        return -1 < now - self.at < REFUSED

    def error(self) -> AuthenticationError:
        """Return the error that the first process raised, for another one."""
        return AuthenticationError(
            f"{self.message}; a process that shares this login received it less than {REFUSED:g} s ago, so the "
            f"request is not repeated yet",
            error="invalid_grant",
            error_description=self.description,
            status=self.status,
            request_id=self.request_id,
        )


@attrs.frozen(kw_only=True)
class TokenRecord:
    """What the processes that share a login know."""

    grant: Grant = Grant()
    holder: Holder | None = None
    refusals: tuple[Refusal, ...] = ()

    def held(self, now: float) -> bool:
        """Return whether it is the turn of a process."""
        return self.holder is not None and self.holder.is_current(now)

    def with_refusal(self, refusal: Refusal) -> TokenRecord:
        """Return the record with a refusal, and without those that are old."""
        kept = [each for each in self.refusals if each.is_current(refusal.at) and each.token != refusal.token]
        return attrs.evolve(self, refusals=(*kept, refusal)[-_MOST:])


def fingerprint(token: Secret) -> str:
    """Return a hash that identifies a token."""
    return hashlib.sha256(token.reveal().encode()).hexdigest()[:32]


def pack(record: TokenRecord, login: str) -> bytes:
    """Return a record as JSON. It holds secrets."""
    return json.dumps(
        {"login": login, **attrs.asdict(record, value_serializer=_serialize)}, separators=(",", ":")
    ).encode()


def unpack(data: bytes, login: str) -> TokenRecord | None:
    """Return the record of a login; None if it is damaged or that of another login."""
    try:
        found = json.loads(data)
        grant, holder = found["grant"], found["holder"]
        if found["login"] != login:
            return None
        return TokenRecord(
            grant=Grant(
                refresh=_token(grant["refresh"]),
                access=_token(grant["access"]),
                received=_number(grant["received"]),
                life=_number(grant["life"]),
                version=int(_number(grant["version"])),
                given=tuple(map(_text, grant["given"])),
            ),
            holder=None if holder is None else Holder(_text(holder["mark"]), _number(holder["until"])),
            refusals=tuple(map(_refusal, found["refusals"])),
        )
    except (ValueError, TypeError, LookupError):
        return None


def _serialize(_: object, __: object, value: Any) -> Any:
    return value.reveal() if isinstance(value, Secret) else value


def _refusal(found: Any) -> Refusal:
    texts = {name: None if found[name] is None else _text(found[name]) for name in ("description", "request_id")}
    status = None if found["status"] is None else int(_number(found["status"]))
    return Refusal(_text(found["token"]), _number(found["at"]), _text(found["message"]), status=status, **texts)


def _token(value: Any) -> Secret | None:
    token = None if value is None else Secret(value)
    if token is not None and not (token and token.reveal().isprintable()):
        raise ValueError("not a token")
    return token


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a string")
    return value


def _number(value: Any) -> float:
    if not is_number(value):
        raise TypeError("not a number")
    return float(value)
