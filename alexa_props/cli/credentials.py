"""Where the credentials of a command come from: the environment, a file that only its owner can read, or the keyring.

`alexa-props login` keeps them. The file is there in any case: with the keyring it says under which name that has them.
"""

from __future__ import annotations

import json
import os
import secrets
import shlex
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import anyio.to_thread
import attrs
import typer

from alexa_props import Limits, LoginWithAmazon, SmartProperties
from alexa_props.auth.token_endpoint import TOKEN_URL
from alexa_props.codec import parse_json
from alexa_props.errors import ConfigurationError, DecodeError
from alexa_props.redaction import sanitize
from alexa_props.settings import Secret, require_env

__all__ = ["Credentials", "CredentialsFile", "find", "keep", "place", "prepare", "smart_properties"]

_VARIABLES: Final = ("ALEXA_PROPS_CLIENT_ID", "ALEXA_PROPS_CLIENT_SECRET", "ALEXA_PROPS_REFRESH_TOKEN")
_SERVICE: Final = "alexa-props"
"""Under which the keyring has our entries."""

CredentialsFile = Annotated[
    Path | None,
    typer.Option(
        "--credentials",
        metavar="PATH",
        envvar="ALEXA_PROPS_CREDENTIALS",
        help="File of the credentials; alexa-props/credentials.json below ~/.config or $XDG_CONFIG_HOME unless set.",
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

    """

    path: Path | None
    client_id: str
    client_secret: Secret
    refresh_token: Secret
    region: str
    base_url: str | None
    token_url: str
    keyring: str | None = None

    @property
    def source(self) -> str:
        """Where they come from, for people."""
        if self.path is None:
            return "environment"
        return f"keyring, by way of {self.path}" if self.keyring else str(self.path)


@attrs.frozen
class _Kept:
    """The `TokenStore` over what `keep` wrote."""

    path: Path

    async def load(self) -> str | None:
        """None: what was read a moment ago is the token."""
        return None

    async def save(self, refresh_token: str) -> None:
        """Put a new refresh token in the place of the old one."""
        # In a thread: a disk takes its time, and a keyring may ask its owner.
        await anyio.to_thread.run_sync(self._replace, Secret(refresh_token))

    def _replace(self, refresh_token: Secret) -> None:
        kept = _read(self.path)
        if kept is None:
            raise ConfigurationError(f"{self.path} is gone")
        keep(attrs.evolve(kept, refresh_token=refresh_token))


def place(path: Path | None) -> Path:
    """Where the credentials file is, or would be; None stands for the usual place."""
    if path is None:
        home = os.environ.get("XDG_CONFIG_HOME", "")
        # What is relative is to be ignored, says the specification of that variable.
        path = (Path(home) if Path(home).is_absolute() else _home() / ".config") / _SERVICE / "credentials.json"
    # A link stays one: what it points to is replaced.
    return path.resolve()


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:
        # As in a container whose user has no entry in /etc/passwd.
        raise ConfigurationError(
            "there is no home directory to find the login in: set HOME or XDG_CONFIG_HOME, or name the file with "
            f"--credentials, or set {', '.join(_VARIABLES)}"
        ) from None


def find(path: Path | None) -> Credentials:
    """The credentials to use: the environment's if it has a refresh token, else those that `login` kept.

    Raises:
        ConfigurationError: there are none, others can read or replace the file, or it makes no sense.
        OSError: it cannot be read.

    """
    if os.environ.get("ALEXA_PROPS_REFRESH_TOKEN"):
        return Credentials(
            path=None,
            client_id=require_env("ALEXA_PROPS_CLIENT_ID"),
            client_secret=Secret(require_env("ALEXA_PROPS_CLIENT_SECRET")),
            refresh_token=Secret(require_env("ALEXA_PROPS_REFRESH_TOKEN")),
            region=os.environ.get("ALEXA_PROPS_REGION") or "NA",
            base_url=os.environ.get("ALEXA_PROPS_BASE_URL") or None,
            token_url=os.environ.get("ALEXA_PROPS_TOKEN_URL") or TOKEN_URL,
        )
    found = _read(place(path))
    if found is None:
        raise ConfigurationError(f"there is no login: run `alexa-props login`, or set {', '.join(_VARIABLES)}")
    return found


def smart_properties(credentials: Credentials, *, limits: Limits | None = None) -> SmartProperties:
    """A client with these credentials; a refresh token that the server rotates is kept where they come from."""
    auth = LoginWithAmazon(
        client_id=credentials.client_id,
        client_secret=credentials.client_secret.reveal(),
        refresh_token=credentials.refresh_token.reveal(),
        token_url=credentials.token_url,
        token_store=None if credentials.path is None else _Kept(credentials.path),
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
        _make_folder(credentials.path)


def keep(credentials: Credentials) -> None:
    """Write credentials to their file, and their secrets to the keyring if they name an entry of it.

    Raises:
        ConfigurationError: they are the environment's, others can write to the folder, or the keyring is not there or
            refuses.
        OSError: the file cannot be written.

    """
    if credentials.path is None:
        raise ConfigurationError("credentials of the environment cannot be kept")
    known = {name: getattr(credentials, name) for name in ("client_id", "region", "base_url", "token_url")}
    if credentials.keyring is None:
        _write(credentials.path, Secret(json.dumps({**known, **_secrets(credentials)}, indent=2)))
        return
    entry = credentials.keyring
    _in_keyring(
        lambda keyring: keyring.set_password(_SERVICE, entry, json.dumps(_secrets(credentials))),
        credentials.client_secret,
        credentials.refresh_token,
    )
    _write(credentials.path, Secret(json.dumps({**known, "keyring": entry}, indent=2)))


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
    try:
        with path.open("rb") as file:
            _check_private(path, os.fstat(file.fileno()))
            content = Secret(file.read().decode(errors="replace"))
    except FileNotFoundError:
        return None
    return _understood(path, content)


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


def _check_private(path: Path, file: os.stat_result) -> None:
    """Refuse a file that others can read or replace."""
    if os.name != "posix":
        return
    # Root may read it anyway, as in a container that a user's file is mounted into.
    if file.st_uid != os.geteuid() != 0:
        raise ConfigurationError(
            f"{path} holds secrets and belongs to another user: run the command as that user, or log in to a file of "
            f"your own with --credentials"
        )
    if file.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigurationError(
            f"{path} holds secrets and is open to others: run `chmod 600 {shlex.quote(str(path))}`"
        )
    _check_folder(path.parent)


def _check_folder(folder: Path) -> None:
    """Refuse a folder in which everybody can put a file of theirs in the place of ours.

    A group's is not refused: on most systems each user has a group of their own, which may write to all they make.
    """
    mode = folder.stat().st_mode
    # With the sticky bit, as in /tmp, everybody can replace only what is their own.
    if os.name == "posix" and mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        raise ConfigurationError(
            f"{folder} is to hold secrets, and everybody can write to it: run `chmod o-w {shlex.quote(str(folder))}`, "
            f"or take a folder of its own"
        )


def _make_folder(path: Path) -> None:
    # One by one: the parents that `mkdir` makes on its own are as open as the umask lets them be.
    for folder in reversed([path.parent, *path.parent.parents]):
        folder.mkdir(mode=stat.S_IRWXU, exist_ok=True)
    _check_folder(path.parent)


def _write(path: Path, content: Secret) -> None:
    """Put a file in the place of another at once, so that neither is ever seen by halves, or by others."""
    _make_folder(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
    try:
        with open(handle, "wb") as file:  # noqa: PTH123 - a path could not be opened so
            file.write(content.reveal().encode())
            file.flush()
            os.fsync(file.fileno())
            if os.name == "posix" and os.geteuid() == 0 and path.exists():
                # Root's for another user: it stays theirs.
                os.fchown(file.fileno(), path.stat().st_uid, path.stat().st_gid)
        temporary.replace(path)
    except BaseException:  # Ctrl-C too: nothing secret is left beside the file, and it is raised again
        temporary.unlink(missing_ok=True)
        raise
