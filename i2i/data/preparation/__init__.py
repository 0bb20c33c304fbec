"""`i2i data prepare`: resized and split copies of a data set."""
