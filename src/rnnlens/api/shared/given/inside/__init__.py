"""What is asked of a network inside: a layer, its units and steps, and what is held there."""
