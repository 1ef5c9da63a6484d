"""Signs: builds, trains, evaluates and exports the network that `app` serves."""

import os

# TensorFlow turns its oneDNN kernels on by itself only where the CPU has AVX-512; on the others they
# train this network several times as fast (benchmarks/training.md), so they are asked for before the import.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
