"""Can the answer be trusted: does rnnlens compute what the source model computes."""
