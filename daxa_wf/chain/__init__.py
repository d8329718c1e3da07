"""Steps, pipelines, and the plan of a run."""
