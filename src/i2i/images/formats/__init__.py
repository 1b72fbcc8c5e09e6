"""The file formats of pictures: one family that is read a file, their heads, and writing."""
