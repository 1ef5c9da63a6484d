"""The JSON objects that the service answers with, as the REST specification and its extensions name them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

Count = Annotated[int, Field(ge=0)]


class ResponseParameters(BaseModel):
    """Of one output."""

    binary_data_size: Count


class ResponseOutput(BaseModel):
    """A computed tensor; `data` is absent where it comes as bytes after the JSON."""

    name: Annotated[str, Field(examples=["probabilities"])]
    shape: Annotated[list[Count], Field(examples=[[1, 6]])]
    datatype: Annotated[str, Field(examples=["FP32"])]
    parameters: ResponseParameters | None = None
    data: list[float] | list[str] | None = None


class InferenceResponse(BaseModel):
    """`$inference_response` of the specification."""

    model_name: Annotated[str, Field(examples=["signs"])]
    model_version: Annotated[str, Field(examples=["1"])]
    id: Annotated[str, Field(description="The request's, else one of the service's own.")]
    outputs: list[ResponseOutput]


class ErrorResponse(BaseModel):
    """What is wrong, in words."""

    error: str


class Live(BaseModel):
    """Whether the server lives."""

    live: bool


class Ready(BaseModel):
    """Whether the server can answer."""

    ready: bool


class ModelReady(Ready):
    """Whether a model version can answer."""

    name: Annotated[str, Field(examples=["signs"])]


class ServerMetadata(BaseModel):
    """What the server is and which extensions it speaks."""

    name: Annotated[str, Field(examples=["signs"])]
    version: str
    extensions: list[str]


class TensorMetadata(BaseModel):
    """A tensor that a model takes or gives; -1 stands for any size."""

    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(BaseModel):
    """What a model takes and gives."""

    name: Annotated[str, Field(examples=["signs"])]
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class ConfigTensor(BaseModel):
    """A tensor without its batch dimension."""

    name: str
    data_type: str
    dims: list[int]


class ModelConfig(BaseModel):
    """The part of Triton's model configuration that clients read."""

    name: Annotated[str, Field(examples=["signs"])]
    platform: str
    max_batch_size: Annotated[int, Field(description="The most pictures of one request.")]
    input: list[ConfigTensor]
    output: list[ConfigTensor]
    dynamic_batching: Annotated[
        dict[str, int], Field(description="Present: requests that wait are computed together.")
    ]


class VersionState(BaseModel):
    """A version in the model folder."""

    name: Annotated[str, Field(examples=["signs"])]
    version: Annotated[str, Field(examples=["1"])]
    state: Annotated[str, Field(examples=["READY"])]
    reason: Annotated[str, Field(description="Why it does not serve.")]


class Duration(BaseModel):
    """How often something happened, and how many nanoseconds it took altogether."""

    count: Count = 0
    ns: Count = 0


class InferStatistics(BaseModel):
    """Where the time of requests goes."""

    success: Duration
    fail: Duration
    queue: Duration
    compute_input: Duration
    compute_infer: Duration
    compute_output: Duration
    cache_hit: Duration
    cache_miss: Duration


class BatchStatistics(BaseModel):
    """Runs of the network on batches of one size."""

    batch_size: Count
    compute_input: Duration
    compute_infer: Duration
    compute_output: Duration


class ModelStatistics(BaseModel):
    """What a model did since the service started."""

    name: Annotated[str, Field(examples=["signs"])]
    version: Annotated[str, Field(examples=["1"])]
    last_inference: Annotated[Count, Field(description="Milliseconds since 1970; 0: none yet.")]
    inference_count: Annotated[Count, Field(description="Pictures computed.")]
    execution_count: Annotated[Count, Field(description="Runs of the network.")]
    inference_stats: InferStatistics
    batch_stats: list[BatchStatistics]


class StatisticsResponse(BaseModel):
    """Of one model."""

    model_stats: list[ModelStatistics]
