"""From counted blocks to cycles of a core: what its pipeline makes of the code, in the order it ran.

:mod:`~emulab.timing.decoding` says what each instruction reads and writes, ``cores/*.toml`` what a core can
do at once and how long it takes. :mod:`~emulab.timing.in_order` and :mod:`~emulab.timing.out_of_order` run
instructions one after the other, and :mod:`~emulab.timing.pipeline` adds up the cycles of a profile. Nothing
here is fitted to a figure.
"""
