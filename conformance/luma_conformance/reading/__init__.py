"""Files of plain data, all read in the same way: values know their place, and messages have one form."""
