"""Tests and bounds over a data set: what hiding a lag does to the loss, and fitting draws."""
