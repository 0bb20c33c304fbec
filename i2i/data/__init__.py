"""Pictures: layouts, preprocessing, batches and the embedded set."""
