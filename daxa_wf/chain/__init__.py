"""The common steps, the runner of steps, and the plan of a run."""
