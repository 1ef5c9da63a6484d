"""What tutorials teach: a handler that decodes and calls the network, in FastAPI's thread pool."""

from __future__ import annotations

from fastapi import FastAPI, UploadFile
from network import decode, load_network

app = FastAPI()
# Several handlers run at once, each with one picture.
network = load_network("THROUGHPUT")


@app.post("/predict")
def predict(file: UploadFile) -> list[float]:
    """Not `async`, so that FastAPI runs it in a thread."""
    return network(decode(file.file.read())[None])[0].tolist()  # type: ignore[no-any-return]
