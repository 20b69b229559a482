"""What verbs share: the case they are asked about, baselines, labels."""
