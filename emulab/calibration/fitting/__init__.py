"""Fitting models of cores to samples: what a prediction's few corrections and its interval come from.

:mod:`~emulab.calibration.fitting.joining` makes the rows that are fitted,
:mod:`~emulab.calibration.fitting.solve` fits them, :mod:`~emulab.calibration.fitting.trust` finds sources
that must not be believed, :mod:`~emulab.calibration.fitting.conformal` makes intervals of what was left out.
"""
