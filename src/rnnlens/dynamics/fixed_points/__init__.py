"""What a network settles to when its input is held: fixed points and cycles, proven."""
