"""From a table of measurements to windows that a network takes, and back to the user's units."""
