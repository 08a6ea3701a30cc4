"""Looking after emulab on this machine: what works, what is left over, what takes space."""
