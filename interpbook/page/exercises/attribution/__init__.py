"""Exercises of the chapters on attribution."""
