"""Eshkol: a Scheme for machine learning inside Python."""
