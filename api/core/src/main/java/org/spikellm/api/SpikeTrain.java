package org.spikellm.api;

import java.util.List;
import java.util.stream.IntStream;

/**
 * The spikes that stand for the input of a linear layer: {@code x̂ = (n − zero) · θ}, n the sum of the planes, channels in channel
 * order.
 *
 * @param order where each channel stands, and its class
 * @param planes the spikes of each time step, or one plane of counts; I8 or I16 [tokens, channels]. What is stored is the
 *     count less {@code offset}
 * @param thresholds θ, F32 [tokens, classes]
 * @param zeros zero point less {@code offset}, I32 [tokens, classes], so that {@code (stored − zeros) · θ} is the decoded value
 * @param offset 0, or 128 where a plane of counts 0..255 is stored in signed bytes
 */
public record SpikeTrain(ChannelOrder order, List<Tensor> planes, Tensor thresholds, Tensor zeros, int offset) {

  public SpikeTrain {
    planes = List.copyOf(planes);
    if (planes.isEmpty() || (offset != 0 && planes.size() > 1)) {
      throw new IllegalArgumentException("spike train: expected one plane of counts or more of spikes without an offset, found "
          + planes.size() + " planes, offset " + offset);
    }
    for (Tensor plane : planes) {
      if ((plane.dtype() != DType.I8 && plane.dtype() != DType.I16) || plane.dtype() != planes.getFirst().dtype()
          || plane.rows() != thresholds.rows() || plane.columns() != order.channels()) {
        throw new IllegalArgumentException("spike train: expected I8 or I16 [" + thresholds.rows() + ", " + order.channels()
            + "], found " + plane);
      }
    }
    if (thresholds.dtype() != DType.F32 || thresholds.columns() != order.classes()
        || zeros.dtype() != DType.I32 || zeros.columns() != order.classes() || zeros.rows() != thresholds.rows()) {
      throw new IllegalArgumentException("spike train: expected F32 thresholds and I32 zeros [" + thresholds.rows() + ", "
          + order.classes() + "], found " + thresholds + " and " + zeros);
    }
  }

  /** An empty train for {@code tokens} tokens of {@code encoding}. */
  public static SpikeTrain allocate(Encoding encoding, int tokens) {
    ChannelOrder order = encoding.order();
    List<Tensor> planes = IntStream.range(0, encoding.planes())
        .mapToObj(t -> Tensor.allocate(encoding.countType(), tokens, order.channels())).toList();
    return new SpikeTrain(order, planes, Tensor.allocate(DType.F32, tokens, order.classes()),
        Tensor.allocate(DType.I32, tokens, order.classes()), encoding.offset());
  }

  /** Number of tokens. */
  public int tokens() {
    return thresholds.rows();
  }

  /** The first {@code tokens} tokens, sharing memory. */
  public SpikeTrain tokens(int tokens) {
    return new SpikeTrain(order, planes.stream().map(p -> p.rows(0, tokens)).toList(), thresholds.rows(0, tokens),
        zeros.rows(0, tokens), offset);
  }

  /** What is stored for (token, place), summed over the planes: the count less {@code offset}. */
  public int stored(int token, int place) {
    int sum = 0;
    for (Tensor plane : planes) {
      sum += plane.getInt(token, place);
    }
    return sum;
  }

  /** The spike count of (token, place). */
  public int count(int token, int place) {
    return stored(token, place) + offset;
  }

  /** The decoded input, F32 [tokens, channels] in the channels' own order, written into {@code out}. */
  public void decode(Tensor out) {
    int channels = order.channels();
    int[] sum = new int[channels];
    int[] spikes = new int[channels];
    float[] row = new float[channels];
    for (int token = 0; token < tokens(); token++) {
      planes.getFirst().readInts(token, 0, sum, channels);
      for (Tensor plane : planes.subList(1, planes.size())) {
        plane.readInts(token, 0, spikes, channels);
        for (int i = 0; i < channels; i++) {
          sum[i] += spikes[i];
        }
      }
      for (int c = 0; c < order.classes(); c++) {
        decode(sum, order.order(), order.start(c), order.end(c), thresholds.getFloat(token, c), zeros.getInt(token, c), row);
      }
      out.writeRow(token, row);
    }
  }

  private static void decode(int[] counts, int[] order, int start, int end, float theta, int zero, float[] row) {
    for (int place = start; place < end; place++) {
      row[order[place]] = (counts[place] - zero) * theta;
    }
  }
}
