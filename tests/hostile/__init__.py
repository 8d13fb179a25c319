"""Files made to harm: `catalogue.py` makes them, the tests send each of them to capture."""
