"""Run the command with `python -m alexa_props.cli`."""

from alexa_props.cli import main

main()
