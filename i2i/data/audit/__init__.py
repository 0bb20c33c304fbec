"""`i2i data check`: what a data set holds, and what is wrong with it."""
