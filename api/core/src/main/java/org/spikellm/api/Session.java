package org.spikellm.api;

import java.util.List;
import java.util.Optional;
import java.util.function.IntConsumer;

/**
 * An open device: owns its memory and threads. Sessions are independent of each other; one session is used by one thread at a
 * time. Results do not depend on the number of threads, and those for a row not on the rows beside it, except in
 * {@link #matmul}, whose order of summation may follow the shape. Tensors are the caller's; they are read and written before a
 * method returns. Shapes that do not fit are an {@link IllegalArgumentException} that gives what was expected and found.
 */
public interface Session extends AutoCloseable {

  /**
   * {@code out[i, j] = Σ_k a[i, k] · b[j, k]}, summed in float or better.
   *
   * @param a F32 [m, k]
   * @param b F32, F16 or BF16 [n, k]
   * @param out F32 [m, n], replaced
   */
  void matmul(Tensor a, Tensor b, Tensor out);

  /**
   * Whether {@link #prepare} takes weights whose codes lie in {@linkplain CodeClass.Layout#TILES tiles}; by default it is given them in
   * rows, as a copy if they lay in tiles.
   */
  default boolean readsTiles() {
    return false;
  }

  /**
   * Repacks a weight for this device. The weight's tensors are needed afterwards only if the result says that it
   * {@linkplain SpikingLinear#keepsWeight keeps them}.
   *
   * @return valid until this session is closed
   */
  SpikingLinear prepare(QuantizedWeight weight);

  /**
   * As {@link #prepare(QuantizedWeight)}, with what is known of the inputs, which a session may lay the weight out for. The result takes
   * both kinds, and gives the same for them.
   *
   * @param input what inputs will be encoded with, or null where they will be floats
   */
  default SpikingLinear prepare(QuantizedWeight weight, Encoding input) {
    return prepare(weight);
  }

  /**
   * {@code outs[i] += x Wᵢᵀ} for layers that share an input that is not encoded, to the byte what
   * {@link SpikingLinear#accumulate(Tensor, Tensor)} gives for each; by default one after the other.
   *
   * @param layers prepared by this session
   * @param x F32 [tokens, columns], channels in their own order
   * @param outs F32 [tokens, rows], one of each layer
   */
  default void accumulate(List<SpikingLinear> layers, Tensor x, List<Tensor> outs) {
    Shapes.accumulate(layers, x, outs);
    for (int i = 0; i < layers.size(); i++) {
      layers.get(i).accumulate(x, outs.get(i));
    }
  }

  /** {@code out[t, j] = x[t, j] / sqrt(mean_j x² + epsilon) · weight[0, j]}; {@code out} may be {@code x}. All F32. */
  default void rmsNorm(Tensor x, Tensor weight, float epsilon, Tensor out) {
    PlainKernels.rmsNorm(x, weight, epsilon, out);
  }

  /**
   * Rotates the pairs (i, i + headDim/2) of every head in place.
   *
   * @param x F32 [tokens, heads · headDim]; row t is at position {@code position + t}
   * @param table F32 [positions, headDim]: the cosines of the headDim/2 angles, then their sines
   */
  default void rope(Tensor x, int headDim, Tensor table, int position) {
    PlainKernels.rope(x, headDim, table, position);
  }

  /** Replaces each row of {@code x} (F32) by its softmax. */
  default void softmax(Tensor x) {
    PlainKernels.softmax(x);
  }

  /** {@code out = gate / (1 + exp(−gate)) · up}, all F32 of one shape; {@code out} may be {@code gate} or {@code up}. */
  default void swiGlu(Tensor gate, Tensor up, Tensor out) {
    PlainKernels.swiGlu(gate, up, out);
  }

  /**
   * Encodes the rows of {@code x} as spikes (method.md §2); counts, θ and zero points are exact.
   *
   * @param x F32 [tokens, channels], channels in their own order, finite
   * @param out a train of {@code encoding} for as many tokens, replaced
   */
  default void encode(Tensor x, Encoding encoding, SpikeTrain out) {
    PlainKernels.encode(x, encoding, out);
  }

  /**
   * Causal attention of query heads over cached keys and values: row t attends to positions 0..{@code position + t}. Scores are
   * scaled by 1/√headDim; query head h uses kv head {@code h / (heads / kvHeads)}.
   *
   * @param queries F32 [tokens, heads · headDim]
   * @param cache holds positions 0..{@code position + tokens − 1} already
   * @param out F32 [tokens, heads · headDim], replaced
   */
  default void attention(Tensor queries, KeyValues cache, int position, Tensor out) {
    PlainKernels.attention(queries, cache, position, out);
  }

  /**
   * Calls {@code body} with each of 0..{@code count − 1} once, in any order and maybe at the same time on the session's threads, and
   * returns when all are done; what a call computes may not depend on another one, nor may it call this session. What a call throws is
   * thrown here, once no other call is running; whether those that had not begun are made is open.
   */
  default void forEach(int count, IntConsumer body) {
    for (int i = 0; i < count; i++) {
      body.accept(i);
    }
  }

  /**
   * How many of a model's first blocks this device takes, which is asked before any is prepared; by default all of them. Those
   * that follow run on another session, with the final norm and the head.
   *
   * @param blocks how many there are
   * @param blockBytes of one in its checkpoint, on average
   * @param headBytes of the head
   * @return 1 to {@code blocks}
   * @throws IllegalArgumentException if an option asks for what the model does not have
   * @throws OutOfMemoryError if it does not fit; says what is needed, what there is and what to do
   */
  default int takes(int blocks, long blockBytes, long headBytes) {
    return blocks;
  }

  /**
   * A whole model on this device; empty where it is run better, or can only be run, by this session's other methods.
   *
   * @param plan whose weights were prepared by this session; it must live as long as what is returned
   */
  default Optional<DecoderSession> decoder(DecoderPlan plan) {
    return Optional.empty();
  }

  /**
   * Measures what this device gives at most, in about half a second; by default nothing, which says that it is the CPU's cores
   * and memory, measured without asking. Where there is little memory left on the device, the figures are of what there is.
   */
  default Optional<DeviceLimits> limits() {
    return Optional.empty();
  }

  /** Gives memory and threads back; a second call does nothing. */
  @Override
  void close();
}
