"""Fitting models of cores to samples: what a prediction's few corrections and its interval come from.

:mod:`rows <emulab.calibration.fitting.rows>` is what is fitted, :mod:`solve <emulab.calibration.fitting.solve>`
fits it, :mod:`trust <emulab.calibration.fitting.trust>` finds sources that must not be believed,
:mod:`conformal <emulab.calibration.fitting.conformal>` makes intervals of what was left out.
"""
