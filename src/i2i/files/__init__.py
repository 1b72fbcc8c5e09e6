"""Files and folders: downloads, archives, locks."""
