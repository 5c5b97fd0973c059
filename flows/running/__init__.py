"""Inside a flow run: trials become tasks, and Prefect is told of them."""
