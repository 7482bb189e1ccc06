"""One screen a file, and the flow that leads from one to the next."""
