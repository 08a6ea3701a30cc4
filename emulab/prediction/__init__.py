"""What a board will take: counted programs, and models of the board's core."""
