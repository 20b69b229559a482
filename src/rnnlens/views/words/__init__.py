"""Results in plain sentences, made from their numbers by fixed rules."""
