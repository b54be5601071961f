package org.spikellm.backend.simd;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.DType;
import org.spikellm.api.Dynamics;
import org.spikellm.api.Encoding;
import org.spikellm.api.SpikeRange;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.Tensor;

/** Collapsed counts of a row: {@code n = clip(round(x / θ) + zero, low, high)}, the very operations of the API's own encoder. */
final class CountEncoder {

  private static final int LANES = Lanes.COUNT;

  /** Adding and subtracting 1.5 · 2²³ rounds a float of up to 2²² to an integer, half to even, as Math.rint does. */
  private static final float ROUND = 0x1.8p23f;

  /** |x / θ| is limited to this before rounding; zero points are at most 10⁴ and counts 2¹⁵, so the clipped count is the same. */
  private static final float LIMIT = 0x1p21f;

  private float[] row = {};
  private float[] ordered = {};
  private int[] counts = {};
  private byte[] bytes = {};
  private short[] shorts = {};

  /** Encodes row {@code token} of x. */
  void encode(Tensor x, Encoding encoding, SpikeTrain out, int token) {
    ChannelOrder order = encoding.order();
    int channels = order.channels();
    grow(channels);
    x.readRow(token, row);
    float low = low(row, channels);
    float high = high(row, channels);
    gather(row, order.order(), ordered, channels);
    for (int c = 0; c < order.classes(); c++) {
      Dynamics dynamics = encoding.dynamics().get(c);
      SpikeRange range = SpikeRange.of(low, high, dynamics);
      out.thresholds().setFloat(token, c, range.theta());
      out.zeros().setInt(token, c, range.zero() - out.offset());
      counts(order.start(c), order.end(c), range, dynamics, out.offset());
    }
    store(out.planes().getFirst(), token, channels);
  }

  private void grow(int channels) {
    if (counts.length < channels + LANES) {
      row = new float[channels + LANES];
      ordered = new float[channels + LANES];
      counts = new int[channels + LANES];
      bytes = new byte[channels];
      shorts = new short[channels];
    }
  }

  private static void gather(float[] row, int[] order, float[] ordered, int channels) {
    for (int i = 0; i < channels; i++) {
      ordered[i] = row[order[i]];
    }
  }

  /** Whole vectors: what is written past {@code end} is overwritten by the next class, or not read. */
  private void counts(int start, int end, SpikeRange range, Dynamics dynamics, int offset) {
    float theta = range.theta();
    for (int i = start; i < end; i += LANES) {
      FloatVector scaled = FloatVector.fromArray(Lanes.FLOATS, ordered, i).div(theta).max(-LIMIT).min(LIMIT);
      FloatVector rounded = scaled.add(ROUND).sub(ROUND);
      IntVector current = ((IntVector) rounded.convert(VectorOperators.F2I, 0)).add(range.zero());
      current.max(dynamics.countLow()).min(dynamics.countHigh()).sub(offset).intoArray(counts, i);
    }
  }

  private void store(Tensor plane, int token, int channels) {
    if (plane.dtype() == DType.I8) {
      for (int i = 0; i < channels; i++) {
        bytes[i] = (byte) counts[i];
      }
      MemorySegment.copy(bytes, 0, plane.segment(), Tensor.BYTE, token * plane.rowBytes(), channels);
    } else {
      for (int i = 0; i < channels; i++) {
        shorts[i] = (short) counts[i];
      }
      MemorySegment.copy(shorts, 0, plane.segment(), Tensor.SHORT, token * plane.rowBytes(), channels);
    }
  }

  private static float low(float[] row, int length) {
    FloatVector least = FloatVector.broadcast(Lanes.FLOATS, Float.POSITIVE_INFINITY);
    int i = 0;
    for (; i <= length - LANES; i += LANES) {
      least = least.min(FloatVector.fromArray(Lanes.FLOATS, row, i));
    }
    float low = least.reduceLanes(VectorOperators.MIN);
    for (; i < length; i++) {
      low = Math.min(low, row[i]);
    }
    return low;
  }

  private static float high(float[] row, int length) {
    FloatVector most = FloatVector.broadcast(Lanes.FLOATS, Float.NEGATIVE_INFINITY);
    int i = 0;
    for (; i <= length - LANES; i += LANES) {
      most = most.max(FloatVector.fromArray(Lanes.FLOATS, row, i));
    }
    float high = most.reduceLanes(VectorOperators.MAX);
    for (; i < length; i++) {
      high = Math.max(high, row[i]);
    }
    return high;
  }
}
