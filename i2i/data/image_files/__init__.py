"""Image files to pixels and back: reading, writing, caching, digests."""
