"""The page as data: the grammar of case files, their reading, roles and media."""
