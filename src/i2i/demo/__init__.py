"""A local page on which trained models are tried: pictures uploaded or drawn, and translated."""
