"""Tests of the oracle, `conformance.rules`."""
