"""Files of weights alone: named as they are, or joined with stated layers."""
