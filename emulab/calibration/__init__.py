"""Calibration: what people measured on real boards, and what follows from it.

Samples are checked data (``files``, ``schema``, ``flags``), made by importers; the clock at which a session
really ran is a hidden variable that is estimated from its figures (``grid``, ``ratios``, ``clocks``).
Nothing here ever sees a machine.
"""
