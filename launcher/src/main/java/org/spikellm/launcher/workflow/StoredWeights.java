package org.spikellm.launcher.workflow;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.spikellm.api.CodeClass;
import org.spikellm.api.DenseWeight;
import org.spikellm.api.LinearWeight;
import org.spikellm.api.PartlyBinaryWeight;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Tensor;

/**
 * Weights of one layer that are stored in one way: those of a class of columns, or, where a layer is partly binary, those with two levels
 * and those with codes.
 *
 * @param form how
 * @param weights how many
 * @param bits of a code; of two levels 1, of dense values what their type has
 * @param timeSteps of spike trains, else 0
 * @param mostSpikes the largest sum of a train, either way, else 0
 * @param zeros how many of the weights are 0
 * @param leastScale the smallest scale, or level; NaN of dense values
 * @param largestScale the largest one
 */
public record StoredWeights(Form form, long weights, int bits, int timeSteps, int mostSpikes, long zeros, float leastScale,
    float largestScale) {

  /** How weights are stored. */
  public enum Form {
    /** Values. */
    DENSE,
    /** Levels of a scale and a zero point. */
    CODES,
    /** Spike trains of a scale. */
    SPIKES,
    /** One of two levels of the row. */
    TWO_LEVELS
  }

  /** The parts of a weight. */
  public static List<StoredWeights> of(LinearWeight weight) {
    return switch (weight) {
      case DenseWeight dense -> List.of(dense(dense.values()));
      case QuantizedWeight quantized -> quantized.classes().stream().map(StoredWeights::of).toList();
      case PartlyBinaryWeight binary -> partlyBinary(binary);
    };
  }

  private static StoredWeights dense(Tensor values) {
    long zeros = IntStream.range(0, values.rows()).parallel().mapToLong(r -> {
      float[] row = new float[values.columns()];
      values.readRow(r, row);
      long count = 0;
      for (float w : row) {
        count += w == 0 ? 1 : 0;
      }
      return count;
    }).sum();
    return new StoredWeights(Form.DENSE, values.size(), 8 * values.dtype().bytes(), 0, 0, zeros, Float.NaN, Float.NaN);
  }

  private static StoredWeights of(CodeClass stored) {
    CodeClass codes = stored.inRows();
    int rows = codes.rows();
    long zeros = IntStream.range(0, rows).parallel().mapToLong(r -> zeros(codes, r)).sum();
    float[] range = range(codes.scales());
    boolean spikes = codes.timeSteps() > 0;
    return new StoredWeights(spikes ? Form.SPIKES : Form.CODES, (long) rows * codes.columns(), codes.bits(), codes.timeSteps(),
        spikes ? codes.zero(0, 0) : 0, zeros, range[0], range[1]);
  }

  /** Weights of a row whose code is the zero point: the codes are read as one string of bits. */
  private static long zeros(CodeClass codes, int row) {
    byte[] bytes = new byte[codes.codes().columns()];
    MemorySegment.copy(codes.codes().segment(), Tensor.BYTE, row * codes.codes().rowBytes(), bytes, 0, bytes.length);
    int mask = (1 << codes.bits()) - 1;
    long count = 0;
    int held = 0;
    int have = 0;
    int next = 0;
    int column = 0;
    for (int g = 0; g < codes.groups(); g++) {
      int zero = codes.zero(row, g);
      for (; column < codes.groupEnd(g); column++) {
        if (have < codes.bits()) {
          held |= (bytes[next++] & 0xff) << have;
          have += Byte.SIZE;
        }
        count += (held & mask) == zero ? 1 : 0;
        held >>>= codes.bits();
        have -= codes.bits();
      }
    }
    return count;
  }

  private static List<StoredWeights> partlyBinary(PartlyBinaryWeight binary) {
    long codes = binary.codes().columns();
    long zeros = 0;
    int next = 0;
    for (int r = 0; r < binary.rows(); r++) {
      int count = 0;
      for (int b = 0; b < binary.mask().columns(); b++) {
        count += Integer.bitCount(binary.mask().getInt(r, b));
      }
      for (int i = 0; i < count; i++) {
        zeros += binary.codes().getInt(0, next++) == binary.zeros().getInt(r, 0) ? 1 : 0;
      }
    }
    float[] levels = range(binary.levels());
    float[] scales = range(binary.scales());
    return List.of(
        new StoredWeights(Form.TWO_LEVELS, (long) binary.rows() * binary.columns() - codes, 1, 0, 0, 0, levels[0], levels[1]),
        new StoredWeights(Form.CODES, codes, 8, 0, 0, zeros, scales[0], scales[1]));
  }

  /** The smallest and the largest element. */
  private static float[] range(Tensor tensor) {
    float[] range = {Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY};
    float[] row = new float[tensor.columns()];
    for (int r = 0; r < tensor.rows(); r++) {
      tensor.readRow(r, row);
      for (float value : row) {
        range[0] = Math.min(range[0], value);
        range[1] = Math.max(range[1], value);
      }
    }
    return range[0] <= range[1] ? range : new float[] {Float.NaN, Float.NaN};
  }

  /** The share of weights that are 0. */
  public double sparsity() {
    return sparsity(List.of(this));
  }

  /** The share of weights that are 0 among all of these. */
  public static double sparsity(List<StoredWeights> parts) {
    long weights = parts.stream().mapToLong(StoredWeights::weights).sum();
    return weights == 0 ? 0 : (double) parts.stream().mapToLong(StoredWeights::zeros).sum() / weights;
  }

  /**
   * The mean time steps of a weight (method.md §5: Σ fraction · T), or NaN where not all of them are spike trains.
   *
   * @param parts at least one
   */
  public static double equalSteps(List<StoredWeights> parts) {
    double steps = 0;
    double weights = 0;
    for (StoredWeights part : parts) {
      if (part.weights > 0 && part.form != Form.SPIKES) {
        return Double.NaN;
      }
      steps += (double) part.weights * part.timeSteps;
      weights += part.weights;
    }
    return steps / weights;
  }

  /** The parts of several weights in one list. */
  static List<StoredWeights> of(Iterable<? extends LinearWeight> weights) {
    List<StoredWeights> all = new ArrayList<>();
    weights.forEach(weight -> all.addAll(of(weight)));
    return all;
  }
}
