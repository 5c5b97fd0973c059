"""What a search has found: tables, models, summaries."""
