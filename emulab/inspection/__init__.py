"""What an ELF file says about where it can run, without running it.

:mod:`~emulab.inspection.linking` reads what a file asks of its dynamic linker,
:mod:`~emulab.inspection.offers` what a root filesystem has for it, :mod:`~emulab.inspection.levels` which
instructions a program was built for, and :mod:`~emulab.inspection.compatibility` says whether they fit;
:mod:`~emulab.inspection.sizes` says what takes its room.
"""
