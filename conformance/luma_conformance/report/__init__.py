"""Reports: one result value, and every format as a pure function of it."""
