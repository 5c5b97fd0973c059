"""The search around the trials: when it ends, what it shows, who runs it."""
