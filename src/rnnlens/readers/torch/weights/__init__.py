"""What the arrays of a state dict are: folded, unpacked, stated, each accounted for."""
