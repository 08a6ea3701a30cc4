"""``python -m emulab``."""

from emulab.cli.main import program

program()
