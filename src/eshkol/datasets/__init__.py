"""Data sets: ``idx`` (MNIST's file format), ``mnist`` (its digits; 10,000 of them are included)."""
