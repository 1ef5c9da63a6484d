"""One file per dialect, each a codec over the classifier."""
