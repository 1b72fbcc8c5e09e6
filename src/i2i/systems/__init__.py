"""One file per system (pix2pix, ...), which reads like its paper."""
