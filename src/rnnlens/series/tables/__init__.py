"""Tables of measurements: read from files, taken from memory, checked cell by cell."""
