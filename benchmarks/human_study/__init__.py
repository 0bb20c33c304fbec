"""The human study: pages that raters open, an answer key, and what their answers say of methods."""
