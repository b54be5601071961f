package org.spikellm.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.spikellm.api.DType;
import org.spikellm.api.Dynamics;
import org.spikellm.api.Encoding;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.Tensor;

/** The encoder of method.md §2, value by value. */
final class EncodeOracle {

  private EncodeOracle() {}

  /** Dynamics of classes of equal bits and {@code timeSteps} steps each, levels from 0. */
  static List<Dynamics> dynamics(int bits, int... timeSteps) {
    return Arrays.stream(timeSteps).mapToObj(t -> new Dynamics(1, 1, 0, (1 << bits) - 1, t)).toList();
  }

  /** A train for {@code encoding} full of bytes that no encoder leaves. */
  static SpikeTrain train(Encoding encoding, int tokens, Placement memory) {
    int classes = encoding.order().classes();
    List<Tensor> planes = new ArrayList<>();
    for (int p = 0; p < encoding.planes(); p++) {
      planes.add(memory.tensor(encoding.countType(), tokens, encoding.order().channels()));
      planes.getLast().segment().fill((byte) 0x77);
    }
    Tensor thresholds = memory.tensor(DType.F32, tokens, classes);
    Tensor zeros = memory.tensor(DType.I32, tokens, classes);
    thresholds.segment().fill((byte) 0x77);
    zeros.segment().fill((byte) 0x77);
    return new SpikeTrain(encoding.order(), planes, thresholds, zeros, encoding.offset());
  }

  /** Fails where {@code found} is not the encoding of {@code x}, to the bit. */
  static void check(Tensor x, Encoding encoding, SpikeTrain found, String what) {
    for (int t = 0; t < x.rows(); t++) {
      float[] row = new float[x.columns()];
      x.readRow(t, row);
      for (int c = 0; c < encoding.order().classes(); c++) {
        Dynamics dynamics = encoding.dynamics().get(c);
        String where = what + ": token " + t + ", class " + c;
        float theta = theta(row, dynamics);
        int zero = zero(row, dynamics);
        assertEquals(Float.floatToIntBits(theta), Float.floatToIntBits(found.thresholds().getFloat(t, c)),
            () -> where + ": bits of the threshold " + theta);
        assertEquals(zero - encoding.offset(), found.zeros().getInt(t, c), () -> where + ": zero point less offset");
        for (int place = encoding.order().start(c); place < encoding.order().end(c); place++) {
          float value = row[encoding.order().order()[place]];
          int[] expected = spikes(Math.rint(value / theta) + zero, encoding, dynamics);
          int[] planes = new int[found.planes().size()];
          for (int p = 0; p < planes.length; p++) {
            planes[p] = found.planes().get(p).getInt(t, place);
          }
          if (!Arrays.equals(expected, planes)) {
            assertEquals(Arrays.toString(expected), Arrays.toString(planes),
                where + ", place " + place + ", value " + value + ": what each plane stores");
          }
        }
      }
    }
  }

  private static float theta(float[] row, Dynamics dynamics) {
    float low = Float.POSITIVE_INFINITY;
    float high = Float.NEGATIVE_INFINITY;
    for (float value : row) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    float span = dynamics.bidirectional() ? Math.max(Math.abs(low), Math.abs(high)) : high - low;
    return Math.min(Math.max(span / dynamics.countHigh(), 1e-5f), 1e4f);
  }

  private static int zero(float[] row, Dynamics dynamics) {
    if (dynamics.bidirectional()) {
      return 0;
    }
    float low = Float.POSITIVE_INFINITY;
    for (float value : row) {
      low = Math.min(low, value);
    }
    return (int) Math.rint(Math.min(Math.max(-low / theta(row, dynamics), -1e4f), 1e4f));
  }

  /** What the planes store for an input current. */
  private static int[] spikes(double current, Encoding encoding, Dynamics dynamics) {
    if (encoding.collapsed()) {
      return new int[] {(int) Math.min(Math.max(current, dynamics.countLow()), dynamics.countHigh()) - encoding.offset()};
    }
    float[] potential = {0};
    short[] fired = {0};
    return IntStream.range(0, encoding.planes()).map(step -> {
      if (step >= dynamics.timeSteps()) {
        return 0;
      }
      encoding.neuron().step(new float[] {step == 0 ? (float) current : 0}, potential, dynamics, fired);
      return fired[0];
    }).toArray();
  }
}
