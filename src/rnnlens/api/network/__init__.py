"""Verbs about a network itself: reading, naming, running, proving, writing."""
