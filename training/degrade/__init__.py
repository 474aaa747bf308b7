"""Rendering of the nine degradation families on good photos, in linear light where physics says so."""
