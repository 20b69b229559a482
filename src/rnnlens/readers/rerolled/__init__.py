"""Loops over a hand-written cell, written out step by step, made recurrent layers again."""
