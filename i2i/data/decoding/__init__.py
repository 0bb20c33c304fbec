"""Image files to pixels: decoding, caching, digests."""
