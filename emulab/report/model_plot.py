"""Predicted over measured, figure by figure, drawn with characters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emulab.calibration.fitting.evaluation import LeftOut

if TYPE_CHECKING:
    from emulab.calibration.fitting.making import Made

_WIDTH, _HEIGHT = 84, 20


def plot_text(made: Made) -> str:
    """Return a plot of every figure that was predicted without its package.

    To the right is the measured time, upwards what was predicted as a multiple of it; both by powers.
    """
    from uniplot import plot_to_string

    judged = made.judged[LeftOut.PACKAGE]
    measured = np.array([one.row.seconds for one in judged])
    ratio = np.exp([-one.error for one in judged])
    lines = plot_to_string(
        xs=measured, ys=ratio, x_as_log=True, y_as_log=True, width=_WIDTH, height=_HEIGHT, color=False,
        y_gridlines=[0.8, 1.25], title="predicted over measured (up), by seconds measured (right)",
    )  # fmt: skip
    return "\n".join(line.rstrip() for line in lines.splitlines()) + "\n"
