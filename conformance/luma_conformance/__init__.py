"""A contract and conformance kit for the Luma Agents API."""
