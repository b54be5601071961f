package org.spikellm.model.training;

import java.lang.foreign.Arena;
import org.spikellm.api.BlockShape;
import org.spikellm.api.DType;
import org.spikellm.api.Tensor;

/** The activations of one sample that a backward pass reads again, and their gradients; all F32 [tokens, channels]. */
final class Activations {

  final Tensor norm;
  /** Queries, keys and values after RoPE, before they are encoded. */
  final Tensor queries;
  final Tensor keys;
  final Tensor values;
  /** The same as attention sees them. */
  final Tensor seenQueries;
  final Tensor seenKeys;
  final Tensor seenValues;
  final Tensor attention;
  /** The residual stream between attention and MLP. */
  final Tensor middle;
  final Tensor mlpNorm;
  final Tensor gate;
  final Tensor up;
  final Tensor gated;
  final Tensor out;

  final Tensor toNorm;
  final Tensor toQueries;
  final Tensor toKeys;
  final Tensor toValues;
  final Tensor toAttention;
  /** ∂L/∂ of the gated output, then of the gate. */
  final Tensor toGated;
  final Tensor toUp;

  private final Arena arena;
  private final int tokens;

  Activations(BlockShape shape, int tokens, Arena arena) {
    this.arena = arena;
    this.tokens = tokens;
    int queryChannels = shape.heads() * shape.headDim();
    int keyChannels = shape.kvHeads() * shape.headDim();
    norm = f32(shape.hidden());
    queries = f32(queryChannels);
    keys = f32(keyChannels);
    values = f32(keyChannels);
    seenQueries = f32(queryChannels);
    seenKeys = f32(keyChannels);
    seenValues = f32(keyChannels);
    attention = f32(queryChannels);
    middle = f32(shape.hidden());
    mlpNorm = f32(shape.hidden());
    gate = f32(shape.intermediate());
    up = f32(shape.intermediate());
    gated = f32(shape.intermediate());
    out = f32(shape.hidden());
    toNorm = f32(shape.hidden());
    toQueries = f32(queryChannels);
    toKeys = f32(keyChannels);
    toValues = f32(keyChannels);
    toAttention = f32(queryChannels);
    toGated = f32(shape.intermediate());
    toUp = f32(shape.intermediate());
  }

  private Tensor f32(int columns) {
    return Tensor.allocate(arena, DType.F32, tokens, columns);
  }
}
