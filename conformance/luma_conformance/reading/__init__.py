"""Files of plain data, read in one way: values that know where they stand, and one grammar for what is wrong."""
