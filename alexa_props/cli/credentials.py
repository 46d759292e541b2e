"""Where the credentials of a command come from: the environment, a file that only its owner can read, or the keyring.

`alexa-props login` keeps them. The file is there in any case: with the keyring it says under which name that has them.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import anyio.to_thread
import attrs
import typer

from alexa_props import Limits, LoginWithAmazon, SmartProperties
from alexa_props.auth.token_endpoint import TOKEN_URL
from alexa_props.cli import private_file
from alexa_props.cli.exit import note
from alexa_props.errors import ConfigurationError, DecodeError
from alexa_props.redaction import sanitize
from alexa_props.responses import parse_json
from alexa_props.settings import Secret, require_env

__all__ = ["Credentials", "CredentialsFile", "find", "keep", "place", "prepare", "smart_properties"]

_CLIENT_ID: Final = "ALEXA_PROPS_CLIENT_ID"
_CLIENT_SECRET: Final = "ALEXA_PROPS_CLIENT_SECRET"  # noqa: S105 - a name
_REFRESH_TOKEN: Final = "ALEXA_PROPS_REFRESH_TOKEN"  # noqa: S105 - a name
_SETTINGS: Final = {
    "region": "ALEXA_PROPS_REGION",
    "base_url": "ALEXA_PROPS_BASE_URL",
    "token_url": "ALEXA_PROPS_TOKEN_URL",
}
"""What the environment may say beside a login of a file, and in which variable."""
_SERVICE: Final = "alexa-props"
"""Under which the keyring has our entries."""

CredentialsFile = Annotated[
    Path | None,
    typer.Option(
        "--credentials",
        metavar="PATH",
        envvar="ALEXA_PROPS_CREDENTIALS",
        help="File of the credentials, used instead of the environment; unless set, the environment, "
        "else alexa-props/credentials.json below ~/.config or $XDG_CONFIG_HOME.",
        show_default=False,
    ),
]


@attrs.frozen(kw_only=True)
class Credentials:
    """What a client of Smart Properties is made of.

    Attributes:
        path: the file that `login` wrote; None for the environment.
        client_id: of the security profile.
        client_secret: of the same profile.
        refresh_token: that the profile was given.
        region: "NA", "EU" or "FE".
        base_url: instead of the region's host; None for that.
        token_url: token endpoint.
        keyring: the name of the keyring's entry that has the two secrets; None where the file has them.
        overridden_by: the variables of the environment that decided instead of the file.

    """

    path: Path | None
    client_id: str
    client_secret: Secret
    refresh_token: Secret
    region: str
    base_url: str | None
    token_url: str
    keyring: str | None = None
    overridden_by: tuple[str, ...] = ()

    @property
    def source(self) -> str:
        """Where they come from, for people."""
        if self.path is None:
            return "environment"
        return f"keyring, by way of {self.path}" if self.keyring else str(self.path)

    def in_environment(self) -> Credentials:
        """The same login with the region and the addresses that the environment says."""
        said: dict[str, Any] = {
            name: os.environ[variable]
            for name, variable in _SETTINGS.items()
            if os.environ.get(variable) and os.environ[variable] != getattr(self, name)
        }
        return attrs.evolve(self, overridden_by=tuple(_SETTINGS[name] for name in said), **said)


def place(path: Path | None) -> Path:
    """Where the credentials file is, or would be, with links followed; None stands for the usual place.

    Raises:
        ConfigurationError: there is no home directory, or somebody else can replace what is on the way.

    """
    if path is None:
        home = os.environ.get("XDG_CONFIG_HOME", "")
        # What is relative is to be ignored, says the specification of that variable.
        path = (Path(home) if Path(home).is_absolute() else _home() / ".config") / _SERVICE / "credentials.json"
    # A link stays one: what it points to is replaced.
    return private_file.locate(path)


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:
        # As in a container whose user has no entry in /etc/passwd.
        raise ConfigurationError(
            "there is no home directory to find the login in: set HOME or XDG_CONFIG_HOME, or name the file with "
            f"--credentials, or set {_CLIENT_ID}, {_CLIENT_SECRET} and {_REFRESH_TOKEN}"
        ) from None


def find(path: Path | None) -> Credentials:
    """The credentials to use, from one source: a file that was named, the environment, or what `login` kept.

    A named file is used as a whole. The usual file's region and addresses give way to those of the environment.

    Raises:
        ConfigurationError: there are none, they are incomplete or of two logins, others can read or replace the file,
            or it is not a file of credentials.
        OSError: the file cannot be read.

    """
    if path is not None:
        found = _read(place(path))
        if found is None:
            raise ConfigurationError(
                f"there is no credentials file {path}: correct --credentials or ALEXA_PROPS_CREDENTIALS, or run "
                f"`alexa-props login --credentials {shlex.quote(str(path))}`"
            )
        _note_ignored(found)
        return found
    if os.environ.get(_REFRESH_TOKEN):
        return Credentials(
            path=None,
            client_id=require_env(_CLIENT_ID),
            client_secret=Secret(require_env(_CLIENT_SECRET)),
            refresh_token=Secret(require_env(_REFRESH_TOKEN)),
            region=os.environ.get("ALEXA_PROPS_REGION") or "NA",
            base_url=os.environ.get("ALEXA_PROPS_BASE_URL") or None,
            token_url=os.environ.get("ALEXA_PROPS_TOKEN_URL") or TOKEN_URL,
        )
    found = _read(place(None))
    if found is None:
        raise ConfigurationError(
            f"there is no login: run `alexa-props login`, or set {_CLIENT_ID}, {_CLIENT_SECRET}, {_REFRESH_TOKEN}"
        )
    client_id = os.environ.get(_CLIENT_ID)
    if client_id and client_id != found.client_id:
        raise ConfigurationError(
            f"{_CLIENT_ID} is {client_id}, but the login in {found.path} is of client {found.client_id}: unset it, set "
            f"{_REFRESH_TOKEN} too, or name the file with --credentials"
        )
    return found.in_environment()


def _note_ignored(found: Credentials) -> None:
    ignored = found.in_environment().overridden_by
    if ignored:
        note(f"{found.path} was named, so it is used as a whole; ignored: {', '.join(ignored)}")


class _Kept:
    """The `TokenStore` over what `keep` wrote: the same login, which other commands may have had rotated meanwhile."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._seen = credentials.refresh_token
        self._said = False

    async def load(self) -> str | None:
        """The refresh token that is kept now; None if that is another login by now."""
        # In a thread: a disk takes its time, and a keyring may ask its owner, which may take too long.
        return await anyio.to_thread.run_sync(self._load, abandon_on_cancel=True)

    async def save(self, refresh_token: str) -> None:
        """Put a new refresh token in the place of the one that was loaded; another login is left alone."""
        await anyio.to_thread.run_sync(self._replace, Secret(refresh_token))

    def _load(self) -> str | None:
        kept = self._kept()
        if kept is None:
            return None
        self._seen = kept.refresh_token
        return kept.refresh_token.reveal()

    def _replace(self, refresh_token: Secret) -> None:
        path = self._credentials.path
        with contextlib.ExitStack() as stack:
            if path is not None and path.parent.is_dir():
                stack.enter_context(private_file.lock(path))
            kept = self._kept()
            # A retry may find what it wrote.
            if kept is None or kept.path is None or kept.refresh_token not in (self._seen, refresh_token):
                self._leave_alone()
                return
            _keep(attrs.evolve(kept, refresh_token=refresh_token), kept.path)
        self._seen = refresh_token

    def _leave_alone(self) -> None:
        if not self._said:
            self._said = True
            note(
                f"{self._credentials.path} now holds another login or none, and is left unchanged: the new refresh "
                f"token of client {self._credentials.client_id} is not saved and serves this command only; log in "
                f"again to use this client later"
            )

    def _kept(self) -> Credentials | None:
        """What is kept now, if it is the same login."""
        ours = self._credentials
        kept = None if ours.path is None else _read(ours.path)
        if kept is None:
            return None
        same = kept.in_environment() if ours.overridden_by else kept
        differs = any(getattr(same, name) != getattr(ours, name) for name in ("client_id", *_SETTINGS))
        return None if differs else kept


def smart_properties(credentials: Credentials, *, limits: Limits | None = None) -> SmartProperties:
    """A client with these credentials; a refresh token that the server rotates is kept where they come from."""
    auth = LoginWithAmazon(
        client_id=credentials.client_id,
        client_secret=credentials.client_secret.reveal(),
        refresh_token=credentials.refresh_token.reveal(),
        token_url=credentials.token_url,
        token_store=None if credentials.path is None else _Kept(credentials),
    )
    # The client says what is wrong with a region.
    region: Any = credentials.region
    return SmartProperties(auth=auth, region=region, base_url=credentials.base_url, limits=limits)


def prepare(credentials: Credentials) -> None:
    """Find out, before a person is sent to a page, whether `keep` has what it needs; raises as it does."""
    entry = credentials.keyring
    if entry is not None:
        # Asked for something: a keyring that is not there, or locked, says so only then.
        _in_keyring(lambda keyring: keyring.get_password(_SERVICE, entry))
    if credentials.path is not None:
        private_file.prepare(credentials.path)


def keep(credentials: Credentials) -> None:
    """Write credentials to their file, and their secrets to the keyring if they name an entry of it.

    Raises:
        ConfigurationError: they are the environment's, others can replace the file, or the keyring is not there or
            refuses.
        OSError: the file cannot be written.

    """
    if credentials.path is None:
        raise ConfigurationError("credentials of the environment cannot be kept")
    private_file.prepare(credentials.path)
    with private_file.lock(credentials.path):
        _keep(credentials, credentials.path)


def _keep(credentials: Credentials, path: Path) -> None:
    known = {name: getattr(credentials, name) for name in ("client_id", "region", "base_url", "token_url")}
    if credentials.keyring is None:
        private_file.write(path, Secret(json.dumps({**known, **_secrets(credentials)}, indent=2)))
        return
    entry = credentials.keyring
    _in_keyring(
        lambda keyring: keyring.set_password(_SERVICE, entry, json.dumps(_secrets(credentials))),
        credentials.client_secret,
        credentials.refresh_token,
    )
    private_file.write(path, Secret(json.dumps({**known, "keyring": entry}, indent=2)))


def _secrets(credentials: Credentials) -> dict[str, str]:
    return {name: getattr(credentials, name).reveal() for name in ("client_secret", "refresh_token")}


def _in_keyring(do: Callable[[Any], str | None], *secrets: Secret) -> Secret:
    """What `do` gives when it is called with the module `keyring`; an empty secret for None.

    Raises:
        ConfigurationError: the package is not installed, or the keyring refuses.

    """
    try:
        # Late: it is optional, and looks for the keyrings of the system.
        import keyring
        from keyring.errors import KeyringError
    except ModuleNotFoundError:
        raise ConfigurationError('keyring is not installed: pip install "alexa-props[keyring]"') from None
    try:
        return Secret(do(keyring) or "")
    except KeyringError as error:
        reason = sanitize(str(error), *secrets) or type(error).__name__
    raise ConfigurationError(f"the system's keyring cannot be used: {reason}; to use a file, log in without --keyring")


def _read(path: Path) -> Credentials | None:
    """The credentials of a file; None if there is no file."""
    content = private_file.read(path)
    return None if content is None else _understood(path, content)


def _understood(path: Path, content: Secret) -> Credentials:
    kept = _members(content)
    entry = kept.get("keyring")
    if entry:
        kept |= _members(_in_keyring(lambda keyring: keyring.get_password(_SERVICE, entry.reveal())))
    try:
        return Credentials(
            path=path,
            client_id=kept["client_id"].reveal(),
            client_secret=kept["client_secret"],
            refresh_token=kept["refresh_token"],
            region=kept["region"].reveal(),
            base_url=kept["base_url"].reveal() if "base_url" in kept else None,
            token_url=kept["token_url"].reveal(),
            keyring=entry.reveal() if entry else None,
        )
    except KeyError as error:
        missing = error.args[0]
    where = f"the keyring's entry for {path}" if entry else str(path)
    raise ConfigurationError(f"{where} holds no {missing}: run `alexa-props login` again")


def _members(content: Secret) -> dict[str, Secret]:
    """The members of a JSON object that are strings; empty if it is none."""
    try:
        value = parse_json(content.reveal().encode())
    except DecodeError:
        return {}
    if not isinstance(value, Mapping):
        return {}
    return {name: Secret(member) for name, member in value.items() if isinstance(member, str)}
