"""What a verb is given, checked and resolved: networks, windows, targets, baselines."""
