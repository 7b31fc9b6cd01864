"""Turns protobuf descriptors into the Swift and C that Berth commits."""
