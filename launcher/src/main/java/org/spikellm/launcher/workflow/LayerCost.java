package org.spikellm.launcher.workflow;

import org.spikellm.api.DType;
import org.spikellm.api.Dynamics;
import org.spikellm.api.Encoding;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.Tensor;

/**
 * What running a linear layer costs, counted (method.md §6). Where inputs or weights are spikes it accumulates: a spike of level k that meets a
 * weight is k additions of it, one that meets a spike train is k additions for each of the train's spikes, and an input in float is added or
 * subtracted once for each spike of a weight. Otherwise it multiplies.
 */
public final class LayerCost {

  /** Bits that an input in float counts as in {@link #ace}: it could be half-precision. */
  private static final int FLOAT_BITS = 16;

  private long macs;
  private long spikes;
  private long silent;
  private long inputs;
  private long possible;
  private long integerAccumulates;
  private long floatAccumulates;
  private long multiplications;
  private long scalings;
  private double ace;
  private double steps;
  private long integerMacs;
  private long halfMacs;
  private long bytes;
  private long floatBytes;

  /**
   * Adds the tokens of one call; {@code train} and {@code encoding} are null where the input stays in float.
   *
   * @return spikes of each channel, in channel order; null where there are none
   */
  long[] add(LayerWork work, int tokens, SpikeTrain train, Encoding encoding) {
    long[] fired = train == null ? null : fired(train);
    move(work, tokens, train);
    int start = 0;
    for (int c = 0; c < work.classes().size(); c++) {
      LayerWork.ClassWork part = work.classes().get(c);
      long products = (long) tokens * part.columns() * work.rows();
      Dynamics dynamics = train == null ? null : encoding.dynamics().get(c);
      int inputSteps = dynamics == null ? 1 : dynamics.timeSteps();
      macs += products;
      ace += (double) products * part.weightBits() * inputSteps * (dynamics == null ? FLOAT_BITS : bits(dynamics));
      steps += (double) products * inputSteps * part.weightSteps();
      scalings += (long) tokens * work.rows() * (train == null ? part.groups() : Math.max(1, part.groups()));
      if (work.codedWeights() && train != null) {
        integerMacs += products;
      } else if (work.codedWeights() || train != null) {
        halfMacs += products;
      }
      if (train != null) {
        inputs += (long) tokens * part.columns();
        possible += (long) tokens * part.columns() * Math.max(dynamics.countHigh(), -dynamics.countLow());
      }
      accumulate(work, part, tokens, fired, start, products);
      start += part.columns();
    }
    if (train != null) {
      silent += silent(train);
    }
    return fired;
  }

  private void accumulate(LayerWork work, LayerWork.ClassWork part, int tokens, long[] fired, int start, long products) {
    long sum = 0;
    if (fired == null && part.weightSpikes() == null) {
      multiplications += products;
      return;
    }
    for (int j = 0; j < part.columns(); j++) {
      long additions = part.weightSpikes() == null ? work.rows() : part.weightSpikes()[j];
      sum += fired == null ? tokens * additions : fired[start + j] * additions;
    }
    if (fired != null) {
      for (int j = 0; j < part.columns(); j++) {
        spikes += fired[start + j];
      }
    }
    if (fired != null && work.codedWeights()) {
      integerAccumulates += sum;
    } else {
      floatAccumulates += sum;
    }
  }

  /** Weights are read once a call, inputs once, results are written once; beside it, the same in floats. */
  private void move(LayerWork work, int tokens, SpikeTrain train) {
    long columns = work.columns();
    long results = (long) tokens * work.rows() * Float.BYTES;
    long input = train == null ? tokens * columns * Float.BYTES
        : train.planes().stream().mapToLong(plane -> plane.rows() * plane.rowBytes()).sum()
            + (long) tokens * train.order().classes() * (Float.BYTES + Integer.BYTES);
    bytes += work.weightBytes() + input + results;
    floatBytes += (work.rows() * columns + tokens * columns) * Float.BYTES + results;
  }

  /** Bits that hold the levels of one step. */
  private static int bits(Dynamics dynamics) {
    return Integer.SIZE - Integer.numberOfLeadingZeros(dynamics.highLevel() - dynamics.lowLevel());
  }

  /** Spikes of each channel, in channel order, a level k as k. */
  private static long[] fired(SpikeTrain train) {
    long[] fired = new long[train.order().channels()];
    for (Tensor plane : train.planes()) {
      for (int t = 0; t < plane.rows(); t++) {
        for (int j = 0; j < fired.length; j++) {
          fired[j] += Math.abs(stored(plane, t, j) + train.offset());
        }
      }
    }
    return fired;
  }

  /** Inputs whose neuron did not fire at all. */
  private static long silent(SpikeTrain train) {
    long count = 0;
    for (int t = 0; t < train.tokens(); t++) {
      for (int j = 0; j < train.order().channels(); j++) {
        boolean silent = true;
        for (Tensor plane : train.planes()) {
          silent &= stored(plane, t, j) + train.offset() == 0;
        }
        count += silent ? 1 : 0;
      }
    }
    return count;
  }

  private static int stored(Tensor plane, int token, int place) {
    long at = token * plane.rowBytes();
    return plane.dtype() == DType.I8 ? plane.segment().get(Tensor.BYTE, at + place) : plane.segment().get(Tensor.SHORT, at + 2L * place);
  }

  /** Adds another count. */
  LayerCost plus(LayerCost other) {
    macs += other.macs;
    spikes += other.spikes;
    silent += other.silent;
    inputs += other.inputs;
    possible += other.possible;
    integerAccumulates += other.integerAccumulates;
    floatAccumulates += other.floatAccumulates;
    multiplications += other.multiplications;
    scalings += other.scalings;
    ace += other.ace;
    steps += other.steps;
    integerMacs += other.integerMacs;
    halfMacs += other.halfMacs;
    bytes += other.bytes;
    floatBytes += other.floatBytes;
    return this;
  }

  /** Multiply-accumulates that the layer takes without spikes. */
  public long macs() {
    return macs;
  }

  /** Spikes that its inputs fired, a level k as k. */
  public long spikes() {
    return spikes;
  }

  /** Spikes over the most that could have fired: neurons · T · L; 0 where inputs stay in float. */
  public double firingRate() {
    return possible == 0 ? 0 : (double) spikes / possible;
  }

  /** The share of inputs that fired nothing; 0 where they stay in float. */
  public double silentShare() {
    return inputs == 0 ? 0 : (double) silent / inputs;
  }

  /** Additions that spikes of inputs and of weights cause. */
  public long accumulates() {
    return integerAccumulates + floatAccumulates;
  }

  /** Products of inputs and weights neither of which are spikes. */
  public long multiplications() {
    return multiplications;
  }

  /** Multiplications by scales: one for each token, output channel, class of columns and group of it. */
  public long scalings() {
    return scalings;
  }

  /** Arithmetic computation effort: Σ MACs · bits of a weight · bits of an input, once for each time step of the input. */
  public double ace() {
    return ace;
  }

  /** Mean time steps of a product, those of its input times those of its weight. */
  public double equalSteps() {
    return macs == 0 ? 0 : steps / macs;
  }

  /**
   * Bytes moved: the weights once for each call of up to 512 tokens, spike counts with their scales or inputs in float, results
   * in float.
   * What a cache holds back is not looked at.
   */
  public long bytes() {
    return bytes;
  }

  /** The same of a layer with weights and inputs of 32 bits. */
  public long floatBytes() {
    return floatBytes;
  }

  /** Products of weights and inputs both of which are codes. */
  public long integerMacs() {
    return integerMacs;
  }

  /** Joules: integers are added as 8-bit ones, floats as floats; scales and what is not spikes are float multiplications. */
  public double joules(EnergyTable table) {
    return table.joules(Operation.INT8_ADD, integerAccumulates) + table.joules(Operation.FP32_ADD, floatAccumulates)
        + table.joules(Operation.FP32_MAC, scalings + multiplications);
  }

  /** Joules of the float layer. */
  public double floatJoules(EnergyTable table) {
    return table.joules(Operation.FP32_MAC, macs);
  }

  /**
   * Joules of the same codes multiplied and not accumulated: as 8-bit multiply-adds where weights and inputs are codes, as half-precision ones
   * where one of them is, else as float ones; and of the multiplications by scales.
   */
  public double codedJoules(EnergyTable table) {
    return table.joules(Operation.INT8_MAC, integerMacs) + table.joules(Operation.FP16_MAC, halfMacs)
        + table.joules(Operation.FP32_MAC, macs - integerMacs - halfMacs + scalings);
  }
}
