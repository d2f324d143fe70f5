"""Running a plan: the driver with its live run, the execution of an attempt in whatever process, and what guards both."""
