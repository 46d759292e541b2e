"""Redaction of text from a service, a proxy, a token store, a keyring or a browser.

A service that was sent a secret may quote it: verbatim, encoded, folded or truncated. The search therefore compares
only letters and digits, in lower case, and hides every piece of a secret that is too long to be a coincidence. The work
is bounded: only the beginning of a text is searched and shown.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import string
import sys
import urllib.parse
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import httpx

from alexa_props.settings import Secret

__all__ = [
    "SECRETS",
    "SENT",
    "Redactor",
    "one_line",
    "remember_secrets",
    "remember_sent_secrets",
    "sanitize",
    "secrets_of",
]

SECRETS: Final = "alexa_props_secrets"
"""Key of `httpx.Request.extensions`: secrets of the exchange that the request does not hold, or no longer holds."""

SENT: Final = "alexa_props_sent_secrets"
"""The same for secrets in the body of a request: what a successful response repeats of them is hidden in its models."""

_HIDDEN: Final = "…"
_LONGEST: Final = 500
"""Characters of a text to show in a message."""
_WINDOW: Final = 2_000
"""Characters of a text to search: more than are shown, as redacted text becomes shorter."""
_PIECE: Final = 8
"""Consecutive letters and digits that reveal a secret: too many to match by chance."""
_PIECE_OF_DIGITS: Final = 12
"""The same if a secret is in hex or decimal digits: ids are in hex too, and match eight of them by chance."""
_PROBE: Final = 5
"""Letters and digits to compare first, at regular distances such that every piece contains one such probe."""
_SHORTEST: Final = 4
"""Characters of the shortest secret to hide, as a whole word. Shorter ones are part of too many ordinary words."""
_MANY: Final = 500
"""Searches after which building a set pays off."""
_BUDGET: Final = 200_000
"""Characters that one redactor analyzes. Beyond that, a suspicious text is hidden completely."""
_LAYERS: Final = 8
"""Nested encodings to decode."""

_NEITHER_LETTER_NOR_DIGIT: Final = re.compile(r"[\W_]+")
_ESCAPE: Final = re.compile(
    r"(?:%[0-9A-Fa-f]{2})+|%u[0-9A-Fa-f]{4}"
    # A browser reads a number without its semicolon too.
    r"|&(?:#0*[0-9]{1,7};?|#[xX]0*[0-9A-Fa-f]{1,6};?|[A-Za-z][0-9A-Za-z]{1,31};)"
    r"|\\(?:u[0-9A-Fa-f]{4}|u\{[0-9A-Fa-f]{1,6}\}|U[0-9A-Fa-f]{8}|x[0-9A-Fa-f]{2}|[0-3][0-7]{2}|.)",
    re.DOTALL,
)
_SEPARATOR: Final = r"(?:\||%(?:25){0,4}7C|&(?:amp;){0,3}(?:#124|#x7c|verbar|vert|VerticalLine);|\\{1,4}[ux](?:00)?7c)"
_TOKEN: Final = re.compile(rf"Atz[a-z]{_SEPARATOR}[\w.~+/=|%-]+", re.IGNORECASE)
"""A token of Login with Amazon, recognized by its form: it may be another process's."""
_AWS_PARTS: Final = re.compile(r"(?:Credential|Signature)=([^/,\s]+)")

_PUBLIC_HEADERS: Final = frozenset(
    b"accept accept-encoding accept-language connection content-encoding content-length content-type date expect host "
    b"traceparent tracestate transfer-encoding user-agent x-amz-content-sha256 x-amz-date x-amz-target "
    b"x-amzn-trace-id x-correlation-id x-request-id".split()
)
_PUBLIC_MEMBERS: Final = frozenset({"client_id", "grant_type", "redirect_uri", "response_type", "scope"})


def sanitize(text: str | None, *secrets: str | Secret | None) -> str | None:
    """Return text as one printable line of limited length without these secrets."""
    return Redactor(*secrets).sanitize(text)


def one_line(text: str, longest: int = _LONGEST) -> str:
    """Return text without line breaks and control characters, of limited length."""
    text = " ".join(text.split())
    text = text if len(text) <= longest else text[:longest] + _HIDDEN
    # A terminal obeys control characters, and no file can store half a surrogate pair.
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)


def remember_sent_secrets(request: httpx.Request, secrets: Sequence[Secret]) -> None:
    """Note the secrets in the body of a request."""
    if secrets:
        remember_secrets(request, *secrets)
        request.extensions[SENT] = tuple(secrets)


def remember_secrets(request: httpx.Request, *secrets: Secret) -> None:
    """Note secrets of the exchange that the request does not hold, or soon will not hold."""
    if not secrets:
        return
    known = request.extensions.get(SECRETS, ())
    # A copy: the caller's dict may serve several requests.
    request.extensions = {**request.extensions, SECRETS: tuple(dict.fromkeys((*known, *secrets)))}


def secrets_of(request: httpx.Request) -> list[Secret]:
    """Return the secrets of a request: credentials in headers and forms, and those from `remember_secrets`."""
    found = [*request.extensions.get(SECRETS, ())]
    for name, value in request.headers.raw:
        if name.lower() not in _PUBLIC_HEADERS:
            found += map(Secret, _credentials_in(name.lower(), value.decode("latin-1")))
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        found += _members_of_form(request)
    return found


def _credentials_in(header: bytes, value: str) -> Iterator[str]:
    if header not in (b"authorization", b"proxy-authorization"):
        # A custom `httpx.Auth` may use any other header. A short value is a setting.
        if len(value) >= _PIECE:
            yield value
        return
    scheme, _, rest = value.partition(" ")
    if scheme.upper().startswith("AWS4-"):
        yield from _AWS_PARTS.findall(rest)
        return
    yield rest or value
    if scheme.lower() == "basic":
        try:
            yield base64.b64decode(rest).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return


def _members_of_form(request: httpx.Request) -> list[Secret]:
    try:
        members = urllib.parse.parse_qsl(request.content.decode("utf-8", "replace"))
    except httpx.RequestNotRead:
        return []
    return [Secret(value) for name, value in members if name not in _PUBLIC_MEMBERS]


class _Haystack:
    """All forms of some secrets, to be searched for pieces of a text.

    Args:
        forms: Letters and digits only.
        piece: Number of consecutive ones that reveal a secret.

    """

    def __init__(self, forms: Iterable[str], piece: int) -> None:
        # A piece has no line break, so none is found across two forms.
        self._forms = "\n".join(forms)
        self._piece = piece
        self._pieces: frozenset[str] | None = None
        self._probes: frozenset[str] = frozenset()
        self._searches = 0

    def holds_piece_of(self, letters: str) -> bool:
        """Return whether these letters and digits contain a piece of a secret."""
        if not self._forms:
            return False
        step = self._piece - _PROBE + 1
        probes = [letters[at : at + _PROBE] for at in range(0, len(letters) - _PROBE + 1, step)]
        self._prepare(len(probes))
        if self._pieces is not None and self._probes.isdisjoint(probes):
            return False
        # A probe may match by chance, so all pieces that contain it are compared.
        return any(
            self._is_piece(letters[at : at + self._piece])
            for number, probe in enumerate(probes)
            if probe in (self._probes if self._pieces is not None else self._forms)
            for at in range(max((number - 1) * step + 1, 0), number * step + 1)
        )

    def pieces_of(self, letters: str) -> Iterator[tuple[int, int]]:
        """Yield the first and last index of each piece of a secret."""
        self._prepare(len(letters))
        for start in range(len(letters) - self._piece + 1):
            if self._is_piece(letters[start : start + self._piece]):
                yield start, start + self._piece - 1

    def _is_piece(self, letters: str) -> bool:
        return len(letters) == self._piece and letters in (self._forms if self._pieces is None else self._pieces)

    def _prepare(self, searches: int) -> None:
        """Build the sets once there are enough searches to make up for it."""
        self._searches += searches
        if self._pieces is None and self._searches > _MANY:
            self._pieces, self._probes = self._substrings(self._piece), self._substrings(_PROBE)

    def _substrings(self, length: int) -> frozenset[str]:
        forms = self._forms
        return frozenset(forms[at : at + length] for at in range(len(forms) - length + 1))


class Redactor:
    """Hides some secrets in texts.

    Args:
        secrets: What to hide. None and empty ones are ignored.

    """

    def __init__(self, *secrets: str | Secret | None) -> None:
        plain = {secret.reveal() if isinstance(secret, Secret) else secret for secret in secrets if secret}
        long = {secret for secret in plain if len(_decoded_letters(secret)) >= _PIECE}
        forms = {form for secret in long for form in _forms(secret)}
        digits = {form for form in forms if len(form) >= _PIECE_OF_DIGITS and not form.strip(string.hexdigits)}
        self._haystacks = (
            _Haystack(forms - digits, _PIECE),
            _Haystack((*digits, *(form for secret in long for form in _numbers(secret))), _PIECE_OF_DIGITS),
        )
        # A Wi-Fi password is sent in quotes, and may be shown without.
        short = [secret.strip('"') for secret in plain - long if len(secret.strip('"')) >= _SHORTEST]
        self._short = re.compile("|".join(map(_whole_word, short)), re.IGNORECASE) if short else None
        self._budget = _BUDGET

    @classmethod
    def of(cls, request: httpx.Request, *secrets: str | Secret | None) -> Redactor:
        """Return a redactor for the response to a request: it hides the request's secrets and the given ones."""
        return cls(*secrets_of(request), *secrets)

    def sanitize(self, text: str | None, longest: int = _LONGEST) -> str | None:
        """Return text as one printable line of limited length without secrets."""
        return None if text is None else one_line(self.redact(text), longest)

    def redact_all(self, texts: Sequence[str]) -> Sequence[str]:
        """Redact each text. Many ordinary texts, such as ids, are searched together, which is faster."""
        if len(texts) < 2:  # noqa: PLR2004 - it cannot be halved
            return [self.redact(text) for text in texts]
        if self._short is None and max(map(len, texts)) <= _WINDOW and not self._is_suspicious("".join({*texts})):
            return texts
        if self._budget < 0:
            return [_HIDDEN] * len(texts)
        half = len(texts) // 2
        return [*self.redact_all(texts[:half]), *self.redact_all(texts[half:])]

    def redact(self, text: str) -> str:
        """Return text with each secret and each piece of one replaced. A very long text is truncated."""
        text, cut = text[:_WINDOW], _HIDDEN if len(text) > _WINDOW else ""
        if self._short is not None:
            text = self._short.sub(_HIDDEN, text)
        if not self._is_suspicious(text):
            return text + cut
        self._budget -= len(text)
        if self._budget < 0:
            return _HIDDEN
        shown: list[str] = []
        done = 0
        for start, end in _merged([*(match.span() for match in _TOKEN.finditer(text)), *self._pieces_in(text)]):
            shown += text[done:start], _HIDDEN
            done = end
        # The name of a signature is noise without the signature.
        return "".join((*shown, text[done:], cut)).replace(f"Signature={_HIDDEN}", _HIDDEN)

    def redact_json(self, found: Any) -> Any:
        """Return a copy of parsed JSON with every text in it redacted, names of members included."""
        root = [found]
        # No recursion: JSON may be nested as deeply as Python's stack allows.
        copies: list[Any] = [root]
        while copies:
            copy = copies.pop()
            if isinstance(copy, dict):
                members = {self.redact(name): value for name, value in copy.items()}
                copy.clear()
                copy.update(members)
            for at, value in [*(copy.items() if isinstance(copy, dict) else enumerate(copy))]:
                if isinstance(value, str):
                    copy[at] = self.redact(value)
                elif isinstance(value, dict | list):
                    copy[at] = value.copy()
                    copies.append(copy[at])
        return root[0]

    def _is_suspicious(self, text: str) -> bool:
        """Return whether a text has to be analyzed: it contains a piece of a secret, or may contain an encoded one."""
        if _is_encoded(text):
            return True
        letters = _letters(text)
        return "atz" in letters or any(haystack.holds_piece_of(letters) for haystack in self._haystacks)

    def _pieces_in(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield the span of each piece of a secret."""
        letters, starts, ends = _analyze(text)
        for haystack in self._haystacks:
            for first, last in haystack.pieces_of(letters):
                yield starts[first], ends[last]


def _is_encoded(text: str) -> bool:
    return "%" in text or "&" in text or "\\" in text


def _letters(text: str) -> str:
    """Return the letters and digits of a text, in lower case."""
    return _NEITHER_LETTER_NOR_DIGIT.sub("", text).lower()


def _decoded_letters(text: str) -> str:
    return _analyze(text)[0] if _is_encoded(text) else _letters(text)


def _forms(secret: str) -> Iterator[str]:
    """Yield the forms of a secret to search for, base64 at each of its three alignments included."""
    yield from {_letters(secret), _decoded_letters(secret)}
    for before, uncertain in enumerate((0, 2, 3)):
        # The characters at either end depend on what surrounds the secret.
        encoded = base64.b64encode(b"." * before + secret.encode("utf-8", "surrogatepass"))
        yield _letters(encoded.decode()[uncertain:-4])


def _numbers(secret: str) -> tuple[str, str]:
    """Return the bytes of a secret in hex, and in decimal as JSON lists them."""
    encoded = secret.encode("utf-8", "surrogatepass")
    return encoded.hex(), "".join(map(str, encoded))


def _whole_word(secret: str) -> str:
    """Return a pattern for a secret that is too short to be recognized by a piece."""
    import html  # late: rarely needed

    quoted = {urllib.parse.quote(secret, safe="", errors="replace"), urllib.parse.quote_plus(secret, errors="replace")}
    forms = {secret, html.escape(secret), json.dumps(secret)[1:-1], repr(secret)[1:-1], *quoted}
    before = r"(?<![^\W_])" if secret[0].isalnum() else ""
    after = r"(?![^\W_])" if secret[-1].isalnum() else ""
    return f"{before}(?:{'|'.join(map(re.escape, sorted(forms, key=len, reverse=True)))}){after}"


def _analyze(text: str) -> tuple[str, list[int], list[int]]:
    """Return the decoded letters and digits of a text in lower case, and where each begins and ends in it."""
    starts, ends = [*range(len(text))], [*range(1, len(text) + 1)]
    for _ in range(_LAYERS):
        signs: list[str] = []
        begins: list[int] = []
        stops: list[int] = []
        done = 0
        for match in _ESCAPE.finditer(text):
            start, end = match.span()
            decoded = _decode_escape(match[0])
            signs += text[done:start], decoded
            begins += starts[done:start] + [starts[start]] * len(decoded)
            stops += ends[done:start] + [ends[end - 1]] * len(decoded)
            done = end
        if not done:
            break
        text = "".join((*signs, text[done:]))
        starts, ends = begins + starts[done:], stops + ends[done:]
    found = [
        (lower, start, end)
        for sign, start, end in zip(text, starts, ends, strict=True)
        if sign.isalnum()
        for lower in sign.lower()
        if lower.isalnum()
    ]
    return "".join(lower for lower, _, _ in found), [start for _, start, _ in found], [end for _, _, end in found]


def _decode_escape(escape: str) -> str:
    if escape[0] == "%":
        return chr(int(escape[2:6], 16)) if escape[1] == "u" else urllib.parse.unquote(escape, errors="replace")
    if escape[0] == "&":
        import html  # late: rarely needed

        return html.unescape(escape)
    kind, digits = escape[1], escape[2:].strip("{}")
    if digits:
        code = int(kind + digits, 8) if kind.isdigit() else int(digits, 16)
        return chr(code) if code <= sys.maxunicode else ""
    # A line break, a tab and so on count as a blank. All other characters stand for themselves.
    return " " if kind in "abfnrtv0" else kind


def _merged(spans: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the spans in order, overlapping and adjacent ones merged."""
    last: tuple[int, int] | None = None
    for span in sorted(spans):
        if last is None:
            last = span
        elif span[0] <= last[1]:
            last = last[0], max(last[1], span[1])
        else:
            yield last
            last = span
    if last is not None:
        yield last
