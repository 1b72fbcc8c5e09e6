"""Files and folders: downloads, archives, locks, and reading weights safely."""
