"""The results folder: the one owner of its files."""
