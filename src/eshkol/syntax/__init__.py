"""Syntax objects: data with source spans (``objects``) and sets of scopes (``scopes``)."""
