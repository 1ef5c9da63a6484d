"""MLServer as its documentation batches: a custom runtime, `max_batch_size` and `max_batch_time`."""

from __future__ import annotations

import numpy as np
from mlserver import MLModel
from mlserver.codecs import Base64Codec, NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse
from network import decode, load_network


class Signs(MLModel):
    """Pictures come as base64, MLServer's own way for bytes in JSON."""

    async def load(self) -> bool:
        self.network = load_network()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        pictures = Base64Codec.decode_input(payload.inputs[0])
        answers = self.network(np.stack([decode(picture) for picture in pictures]))
        output = NumpyCodec.encode_output("probabilities", answers)
        return InferenceResponse(model_name=self.name, outputs=[output])
