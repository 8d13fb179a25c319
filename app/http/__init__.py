"""The REST interface: parses requests, makes one call, renders answers and problems."""
