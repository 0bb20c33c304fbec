"""What every part may use: files written whole, safe paths, locks, text."""
