"""The page report.html: what a bench found, and its images, in one file that opens from disk."""
