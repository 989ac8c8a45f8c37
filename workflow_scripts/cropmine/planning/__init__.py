"""Files, jobs and resources of a run, in plain Python that the Snakefile can import."""
