"""Probes: Go programs of ours that each test one capability of a machine, and what is known of each."""
