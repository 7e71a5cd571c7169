"""Tests of the oracle, `luma_conformance.rules`."""
