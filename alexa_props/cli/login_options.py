"""The options that choose a login and its organization. Apart from what finds them, which help does without."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from alexa_props.cli.profiles import complete_profile

__all__ = ["CredentialsFile", "Organization", "Profile"]

# Without `envvar`: the order depends on whether a value comes from the command line.
CredentialsFile = Annotated[
    Path | None,
    typer.Option(
        "--credentials",
        metavar="PATH",
        help="Credentials file to use instead of a profile. [env var: ALEXA_PROPS_CREDENTIALS]",
        show_default=False,
    ),
]
Profile = Annotated[
    str | None,
    typer.Option(
        "--profile",
        metavar="NAME",
        help="Stored login to use; see `alexa-props profiles`. [env var: ALEXA_PROPS_PROFILE]",
        autocompletion=complete_profile,
        show_default=False,
    ),
]

Organization = Annotated[
    str | None,
    typer.Option(
        "--organization",
        metavar="UNIT_ID",
        help="Organization to use; defaults to that of the login. [env var: ALEXA_PROPS_ORGANIZATION_ID]",
        show_default=False,
    ),
]
