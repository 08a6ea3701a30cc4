"""emulab: what a Go program will do on a board that you do not have."""

__version__ = "0.1.0"
