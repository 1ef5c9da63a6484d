"""The network is the assignment's, to the parameter."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from training.network import ResNet50, convolutional_block, identity_block


def count(weights: list[keras.Variable]) -> int:
    return sum(int(np.prod(weight.shape)) for weight in weights)


def test_parameters_are_those_of_the_assignment() -> None:
    model = ResNet50()
    assert model.count_params() == 23_600_006
    assert count(model.non_trainable_weights) == 53_120
    assert model.input_shape == (None, 64, 64, 3)
    assert model.output_shape == (None, 6)


def test_layers_are_named_by_their_place() -> None:
    names = {layer.name for layer in ResNet50().layers}
    assert {
        "conv1",
        "bn_conv1",
        "res2a_branch2a",
        "bn2a_branch2a",
        "res2a_branch1",
        "bn5c_branch2c",
        "fc6",
    } <= names
    assert "res2b_branch1" not in names, "an identity block has no projection"


def test_convolutions_are_initialised_and_strided_as_taught() -> None:
    model = ResNet50()
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert len(convolutions) == 53
    assert all(isinstance(c.kernel_initializer, keras.initializers.GlorotUniform) for c in convolutions)
    for stage, stride in ((2, 1), (3, 2), (4, 2), (5, 2)):
        assert model.get_layer(f"res{stage}a_branch2a").strides == (stride, stride)
        assert model.get_layer(f"res{stage}a_branch1").strides == (stride, stride)
        assert model.get_layer(f"res{stage}a_branch2b").strides == (1, 1)


def test_probabilities_sum_to_one() -> None:
    probabilities = keras.ops.convert_to_numpy(
        ResNet50((32, 32, 3))(np.random.rand(3, 32, 32, 3), training=False)
    )
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


def test_identity_block_with_zero_weights_passes_a_positive_input_through() -> None:
    picture = keras.Input((4, 4, 8))
    block = keras.Model(picture, identity_block(picture, 3, (2, 2, 8), 2, "b"))
    for weight in block.trainable_weights:
        weight.assign(np.zeros(weight.shape))
    x = np.random.rand(2, 4, 4, 8).astype(np.float32)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(block(x)), x)


def test_convolutional_block_halves_and_widens() -> None:
    picture = keras.Input((8, 8, 4))
    assert convolutional_block(picture, 3, (2, 2, 16), 3, "a", 2).shape == (None, 4, 4, 16)


@pytest.mark.parametrize("batch_norm", [True, False])
def test_plain_twin_has_the_same_depth_and_no_shortcut(batch_norm: bool) -> None:
    plain = ResNet50((32, 32, 3), shortcuts=False, batch_norm=batch_norm)
    kinds = [type(layer) for layer in plain.layers]
    assert keras.layers.Add not in kinds
    assert (keras.layers.BatchNormalization in kinds) is batch_norm
    # 53 convolutions less the four projections, and the dense layer: fifty.
    assert kinds.count(keras.layers.Conv2D) + kinds.count(keras.layers.Dense) == 50


def test_weights_fit_every_size() -> None:
    small, large = ResNet50((32, 32, 3)), ResNet50((64, 64, 3))
    large.set_weights(small.get_weights())
    assert small.output_shape == large.output_shape
