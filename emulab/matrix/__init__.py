"""Every cell of architecture, C library and mode: which there are, and what was found of them before."""
