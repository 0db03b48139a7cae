"""Syntax objects: data with source spans and scope sets (``objects``)."""
