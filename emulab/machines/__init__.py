"""Machines: everything that can run a program, behind one protocol."""
