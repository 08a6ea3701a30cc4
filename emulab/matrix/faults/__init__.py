"""The minefield: faults that kill Go programs on boards, each brought about by a real mechanism."""
