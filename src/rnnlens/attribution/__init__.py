"""How much of a forecast came from each lag and feature: one method a file."""
