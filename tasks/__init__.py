"""Where trials run: the Prefect task, the slots, and the training children."""
