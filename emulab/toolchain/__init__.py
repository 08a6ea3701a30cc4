"""Go toolchains, zig, builds and what a built program's ELF file says about it.

Who needs what imports it from its own module: :mod:`~emulab.toolchain.go` finds a Go toolchain,
:mod:`~emulab.toolchain.zig` a C compiler for cgo, :mod:`~emulab.toolchain.building` builds a
:class:`~emulab.toolchain.request.BuildRequest` into an :class:`~emulab.toolchain.artifact.Artifact`,
:mod:`~emulab.toolchain.elf` reads a program's facts and :mod:`~emulab.toolchain.fitness` says
whether it runs on a root filesystem.
"""
