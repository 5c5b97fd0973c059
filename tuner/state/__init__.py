"""What lasts of a search: its project, its journal, and the history that is read from it."""
