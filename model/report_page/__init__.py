"""Reports as one HTML file that needs no other and runs no script: what they have in common."""
