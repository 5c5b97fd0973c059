"""Running trials: the Prefect task, slots, and training processes."""
