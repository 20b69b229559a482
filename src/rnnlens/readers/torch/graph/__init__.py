"""From a graph that ``torch.export`` made to the canonical network, operation by operation."""
