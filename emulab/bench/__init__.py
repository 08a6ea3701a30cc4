"""Benchmarks, counted: what one operation of a Go benchmark executes, from runs at several iteration counts.

:mod:`~emulab.bench.request` says what is asked for, :mod:`~emulab.bench.runner` carries it out.
:mod:`~emulab.bench.iterations` and :mod:`~emulab.bench.slopes` hold the arithmetic, without any I/O.
"""
