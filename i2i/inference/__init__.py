"""Translation of image files, of any size."""
