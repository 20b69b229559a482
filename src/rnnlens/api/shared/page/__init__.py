"""What the page that runs the network is made of."""
