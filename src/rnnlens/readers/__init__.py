"""Readers: one file per format, each with ``match`` and ``read``; `open` picks one by content."""
