"""From what was computed to labelled results that say where they come from."""
