"""Signs: the inference service. A photo of a hand in, the digit it signs out."""
