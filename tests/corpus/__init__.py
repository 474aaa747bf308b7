"""Hostile and odd files, all made by these scripts, for the real `piqa` process to survive."""
