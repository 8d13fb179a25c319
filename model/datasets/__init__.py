"""Data sets the network is trained and judged on."""
