"""Scores of label maps: of translations to them, and by a segmenter of translations from them."""
