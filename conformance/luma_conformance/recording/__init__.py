"""Recordings, read and written: HAR and VCR."""
