"""Runs with something inside a recurrent layer held."""
