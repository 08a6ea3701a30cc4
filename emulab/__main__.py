"""``python -m emulab``."""

from emulab.cli.main import main

main()
