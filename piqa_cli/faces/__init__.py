"""Faces: finding them, choosing the main one."""
