"""Training processes: the supervisor's side, and the child's."""
