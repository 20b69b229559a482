"""Layer-wise relevance propagation: the walk, its rules layer by layer, and its rule for cells."""
