"""Comparing two results: what changed, and whether that is a regression.

:mod:`~emulab.comparison.results` reads them, :mod:`~emulab.comparison.gate` judges,
:mod:`~emulab.comparison.significance` holds the statistics, :mod:`~emulab.comparison.revisions` makes
results of git revisions.
"""
