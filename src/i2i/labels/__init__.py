"""Classes and label maps: palettes, class ids, what scores need of them."""
