"""Weights that the authors' own PyTorch code trained (pytorch-CycleGAN-and-pix2pix), as ours."""
