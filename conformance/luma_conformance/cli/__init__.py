"""The command `luma-conformance`."""
