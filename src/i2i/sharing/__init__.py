"""A trained model outside its run: called from Python, exported."""
