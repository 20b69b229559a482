"""What may be typed: arguments, and bundles of options that several verbs share."""
