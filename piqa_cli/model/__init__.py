"""The network: configuration, backbones, heads, inputs, files."""
