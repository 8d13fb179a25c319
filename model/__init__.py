"""Pixels to vectors: capture, gait energy images, the network, walkers. Knows no HTTP and no
SQL."""
