"""Writing PyTorch state dicts, with the class that takes them."""
