"""Studies of the pages of the program, in a browser."""
