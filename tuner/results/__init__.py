"""Results of a search: tables, models, figures, summaries."""
