"""What a search can be told: parameters of the flows, options of the commands."""
