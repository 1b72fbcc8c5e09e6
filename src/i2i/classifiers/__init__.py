"""Classifiers: plain modules from pictures to a number for each domain, class or attribute."""
