package org.spikellm.api;

import java.util.List;

/** The door checks of the kernels: each throws an {@link IllegalArgumentException} that gives what was expected and found. */
public final class Shapes {

  private Shapes() {}

  /** {@code tensor} is F32 [rows, columns]. */
  public static void f32(String what, Tensor tensor, int rows, int columns) {
    if (tensor.dtype() != DType.F32 || tensor.rows() != rows || tensor.columns() != columns) {
      throw new IllegalArgumentException(what + ": expected F32 [" + rows + ", " + columns + "], found " + tensor);
    }
  }

  /** Rows at consecutive positions from {@code position} on, all of them below {@code limit}. */
  public static void positions(String what, int position, int rows, int limit) {
    if (position < 0 || position > limit - rows) {
      throw new IllegalArgumentException(what + ": expected positions below " + limit + ", found " + rows + " from " + position + " on");
    }
  }

  /** The tokens of a call of {@link DecoderSession}, at least one, where positions are below {@code limit}. */
  public static void tokens(Tensor x, int position, int limit) {
    if (x.rows() < 1) {
      throw new IllegalArgumentException("decoder: expected at least one token, found none");
    }
    positions("decoder", position, x.rows(), limit);
  }

  /** The arguments of {@link Session#matmul}. */
  public static void matmul(Tensor a, Tensor b, Tensor out) {
    f32("left factor", a, a.rows(), b.columns());
    if (!b.dtype().isFloating()) {
      throw new IllegalArgumentException("right factor: expected F32, F16 or BF16, found " + b);
    }
    f32("product", out, a.rows(), b.rows());
  }

  /** The arguments of {@link Session#rope}. */
  public static void rope(Tensor x, int headDim, Tensor table, int position) {
    f32("rope input", x, x.rows(), x.columns());
    f32("rope table", table, table.rows(), headDim);
    if (headDim % 2 != 0 || x.columns() % headDim != 0) {
      throw new IllegalArgumentException("rope: expected whole heads of an even number of channels, found " + x + ", heads of "
          + headDim);
    }
    positions("rope", position, x.rows(), table.rows());
  }

  /** The arguments of {@link Session#encode}. */
  public static void encode(Tensor x, Encoding encoding, SpikeTrain out) {
    f32("encoder input", x, out.tokens(), encoding.order().channels());
    if (!out.order().equals(encoding.order()) || out.planes().size() != encoding.planes() || out.offset() != encoding.offset()
        || out.planes().getFirst().dtype() != encoding.countType()) {
      throw new IllegalArgumentException("encoder output: expected a spike train allocated for this encoding, of "
          + encoding.planes() + " planes " + encoding.countType() + " less " + encoding.offset() + ", found " + out.planes().size()
          + " planes " + out.planes().getFirst() + " less " + out.offset()
          + (out.order().equals(encoding.order()) ? "" : " in another channel order"));
    }
  }

  /** The arguments of {@link SpikingLinear#accumulate(SpikeTrain, Tensor)}. */
  public static void accumulate(SpikeTrain x, ChannelOrder order, int rows, Tensor out) {
    if (x.order() != order && !x.order().equals(order)) {
      throw new IllegalArgumentException("spiking linear: expected spikes in the weight's channel order, found those of "
          + x.order().channels() + " channels in another one");
    }
    f32("spiking linear output", out, x.tokens(), rows);
  }

  /** The arguments of {@link Session#accumulate}. */
  public static void accumulate(List<SpikingLinear> layers, Tensor x, List<Tensor> outs) {
    if (layers.size() != outs.size()) {
      throw new IllegalArgumentException("layers of one input: expected as many outputs as layers, " + layers.size() + ", found "
          + outs.size());
    }
    for (int i = 0; i < layers.size(); i++) {
      f32("linear input", x, x.rows(), layers.get(i).columns());
      f32("linear output", outs.get(i), x.rows(), layers.get(i).rows());
    }
  }

  /** The arguments of {@link Session#attention}. */
  public static void attention(Tensor queries, KeyValues cache, int position, Tensor out) {
    int width = cache.kvHeads() * cache.headDim();
    if (queries.columns() == 0 || queries.columns() % width != 0) {
      throw new IllegalArgumentException("attention: expected queries of a multiple of " + width + " channels, found " + queries);
    }
    f32("attention queries", queries, queries.rows(), queries.columns());
    f32("attention output", out, queries.rows(), queries.columns());
    positions("attention", position, queries.rows(), cache.capacity());
  }
}
