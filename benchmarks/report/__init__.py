"""What a bench writes: tables, page, LaTeX."""
