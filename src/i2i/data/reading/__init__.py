"""From files to arrays: what of each is read, in which values, and what is said of it."""
