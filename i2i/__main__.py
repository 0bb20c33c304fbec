"""`python -m i2i` is the command line."""

from i2i.cli import main

main()
