"""Charts as papers want them: of a width in millimetres, in a typeface, as a file."""
