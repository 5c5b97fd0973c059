"""The project of a search, its journal, and the history that is read from it."""
