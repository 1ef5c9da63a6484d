"""The messages of gRPC are those of the protocol, and their compiled form is that of their source."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_tools import protoc

from app.open_inference.grpc_messages import SERVICE
from tests.conftest import ROOT

FOLDER = ROOT / "app" / "open_inference"


@pytest.fixture(scope="module")
def triton() -> dict[str, Any]:
    """Triton's own descriptions of messages and of the service, by name."""
    with warnings.catch_warnings():  # about protobuf's older code generator
        warnings.simplefilter("ignore")
        from tritonclient.grpc import model_config_pb2, service_pb2
    files = (service_pb2.DESCRIPTOR, model_config_pb2.DESCRIPTOR)
    found: dict[str, Any] = {
        name: kind for file in files for name, kind in file.message_types_by_name.items()
    }
    return found | dict(service_pb2.DESCRIPTOR.services_by_name)


def test_the_compiled_form_is_up_to_date(tmp_path: Path) -> None:
    compiled = tmp_path / "service.binpb"
    assert protoc.main(["", f"-I{FOLDER}", f"--descriptor_set_out={compiled}", "service.proto"]) == 0
    fresh = FileDescriptorSet.FromString(compiled.read_bytes())
    committed = FileDescriptorSet.FromString((FOLDER / "service.binpb").read_bytes())
    assert committed == fresh, "make stubs compiles it anew"


def test_every_method_is_the_protocols(triton: dict[str, Any]) -> None:
    theirs = triton["GRPCInferenceService"].methods_by_name
    assert SERVICE.full_name == triton["GRPCInferenceService"].full_name
    for method in SERVICE.methods:
        same = theirs[method.name]
        assert method.input_type.full_name == same.input_type.full_name
        assert method.output_type.full_name == same.output_type.full_name


def test_every_field_has_the_protocols_number_and_type(triton: dict[str, Any]) -> None:
    messages = dict(SERVICE.file.message_types_by_name)
    assert len(messages) > 20
    for name, ours in messages.items():
        check_fields(ours, triton[name])


def check_fields(ours: Any, theirs: Any) -> None:
    for field in ours.fields:
        same = theirs.fields_by_name[field.name]
        assert (field.number, field.type, field.is_repeated) == (same.number, same.type, same.is_repeated), (
            field.full_name
        )
    for nested in ours.nested_types:
        check_fields(nested, theirs.nested_types_by_name[nested.name])
