"""Demonstration data: nothing in here is imported by the product itself."""
