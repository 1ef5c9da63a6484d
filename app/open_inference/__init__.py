"""The Open Inference Protocol v2 without its transports: what REST and gRPC share."""
