"""Workloads: Go programs with a manifest each, and how their figures are read."""
