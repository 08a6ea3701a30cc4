"""Go test binaries on emulated machines: their files, their flags, their results and what these mean."""
