"""What all tests share."""

from __future__ import annotations

import signal

from hypothesis import settings

# A test's time depends on what else the machine does; nothing here may fail for that.
settings.register_profile("emulab", deadline=None)
settings.load_profile("emulab")

# A shell starts what runs in its background with Ctrl-C ignored, and nohup with hang-ups, which every child
# inherits; the tests of signals need them as a terminal has them.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
