"""The catalogue of boards: checked data, and what follows from it.

>>> from emulab.boards import load_catalogue
>>> load_catalogue().board("rpi5").id
'raspberry-pi-5'
"""

from emulab.boards.board import Board
from emulab.boards.catalogue import HOST, Catalogue, generic_board, load_catalogue
from emulab.boards.features import Differences

__all__ = ["HOST", "Board", "Catalogue", "Differences", "generic_board", "load_catalogue"]
