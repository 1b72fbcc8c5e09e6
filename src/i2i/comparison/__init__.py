"""The table and the picture that compare the runs of a sweep."""
