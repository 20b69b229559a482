"""Networks walked step by step: coalitions of steps, and the tree of their shared beginnings."""
