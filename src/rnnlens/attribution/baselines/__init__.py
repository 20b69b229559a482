"""What stands in for hidden inputs: means, backgrounds, conditional draws, their plausibility."""
