"""Signs: builds, trains, evaluates and exports the network that `app` serves."""
