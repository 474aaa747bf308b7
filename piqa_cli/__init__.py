"""piqa: portrait image quality for photo collections (DN-PIQA, Sun et al., CVPR Workshops 2024)."""

__version__ = "0.1.0"
