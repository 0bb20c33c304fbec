"""The page report.html: what a bench found, and its pictures, in one file that opens from disk."""
