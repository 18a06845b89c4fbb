"""Clients in other languages, generated from the contract and held to the conformance vectors of tests/conformance."""
