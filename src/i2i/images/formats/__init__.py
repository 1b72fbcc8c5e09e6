"""The file formats that pictures are read from, one family a file."""
