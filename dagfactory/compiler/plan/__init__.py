"""A validated pipeline becomes tasks with edges, outputs and folders. May import `resolve`."""
