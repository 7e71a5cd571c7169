"""Tests of the ledger of the page."""
