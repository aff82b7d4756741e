"""Writes what is stored in forms that others read. Knows neither database nor terminal."""
