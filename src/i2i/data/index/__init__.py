"""Which files a data set has: folders, names, matches, and what is held out for validation."""
