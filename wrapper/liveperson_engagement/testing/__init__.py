"""Helpers for the tests of those who use this package: extra `testing`."""
