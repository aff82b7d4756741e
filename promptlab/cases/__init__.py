"""Test cases: the rows of files, what a row means, and the images that cases name."""
