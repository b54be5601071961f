package org.spikellm.launcher.workflow;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.spikellm.api.Block;
import org.spikellm.api.BlockShape;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.CodeClass;
import org.spikellm.api.DType;
import org.spikellm.api.DenseWeight;
import org.spikellm.api.Dynamics;
import org.spikellm.api.Encoding;
import org.spikellm.api.KeyValueEncoding;
import org.spikellm.api.LinearWeight;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.Projection;
import org.spikellm.api.QuantizationSpec;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Tensor;

/**
 * Draws blocks of random weights whose root mean square is about 1/√columns, so that activations stay near 1. The same seed gives the
 * same bytes, on any number of threads.
 */
final class RandomWeights {

  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  /** Bytes that one generator fills. */
  private static final int PIECE = 1 << 20;
  /** The root mean square of numbers that are spread evenly over 1..2: √(7/3). */
  private static final double RMS_ABOVE_ONE = Math.sqrt(7 / 3.0);
  private static final long F16_SIGNS_AND_FRACTIONS = 0x83ff_83ff_83ff_83ffL;
  private static final long FOUR_TIMES = 0x0001_0001_0001_0001L;
  private static final int F16_EXPONENT_BIAS = 15;
  private static final int F16_FRACTION_BITS = 10;

  private final QuantizationSpec spec;
  private final Optional<RandomTrains.Plan> plan;
  private final NeuronModel neuron;
  private final SplittableRandom random;

  RandomWeights(BenchFormat format, NeuronModel neuron, long seed) {
    this.spec = format.spec();
    this.plan = format.plan();
    this.neuron = neuron;
    this.random = new SplittableRandom(seed);
  }

  /** A block whose memory lives as long as {@code arena}, which other threads may access. */
  Block block(BlockShape shape, Arena arena) {
    EnumMap<Projection, Block.Linear> linears = new EnumMap<>(Projection.class);
    for (Projection projection : Projection.values()) {
      linears.put(projection, linear(shape.rows(projection), shape.columns(projection), arena));
    }
    return new Block(shape, linears, ones(shape.hidden()), ones(shape.hidden()),
        spec.encodesActivations() ? keyValues(shape.kvHeads() * shape.headDim()) : null);
  }

  /** An F16 weight [rows, columns]: signs and fractions are random, the exponent is that of 1/√columns. */
  Tensor dense(int rows, int columns, Arena arena) {
    Tensor tensor = Tensor.allocate(arena, DType.F16, rows, columns);
    long exponent = Math.round(Math.log(1 / (RMS_ABOVE_ONE * Math.sqrt(columns))) / Math.log(2)) + F16_EXPONENT_BIAS;
    fill(tensor.segment(), F16_SIGNS_AND_FRACTIONS, (exponent << F16_FRACTION_BITS) * FOUR_TIMES);
    return tensor;
  }

  /** F32 [1, columns], all 1: a norm's weight. */
  static Tensor ones(int columns) {
    Tensor norm = Tensor.allocate(DType.F32, 1, columns);
    for (int c = 0; c < columns; c++) {
      norm.setFloat(0, c, 1);
    }
    return norm;
  }

  private Block.Linear linear(int rows, int columns, Arena arena) {
    if (!spec.quantizesWeights()) {
      return new Block.Linear(new DenseWeight(dense(rows, columns, arena)), null, null);
    }
    if (plan.isPresent()) {
      return trains(new RandomTrains(plan.get(), random).weight(rows, columns, arena));
    }
    ChannelOrder order = spec.salient() > 0 ? ChannelOrder.of(salient(columns)) : ChannelOrder.identity(columns);
    List<Dynamics> dynamics = Stream.of(1, spec.timeSteps()).limit(order.classes())
        .map(steps -> neuron.dynamics(spec.activationBits(), steps)).toList();
    return new Block.Linear(quantized(rows, order, arena), null, new Encoding(neuron, order, dynamics, neuron.collapsible()));
  }

  private Block.Linear trains(QuantizedWeight weight) {
    Dynamics dynamics = neuron.dynamics(spec.encodesActivations() ? spec.activationBits() : 1, 1);
    return new Block.Linear(weight, null, !spec.encodesActivations() ? null
        : new Encoding(neuron, weight.order(), Collections.nCopies(weight.classes().size(), dynamics), neuron.collapsible()));
  }

  /** Scale and zero point of a row are shared by its classes, as the pipelines without groups have it. */
  private LinearWeight quantized(int rows, ChannelOrder order, Arena arena) {
    int levels = 1 << spec.weightBits();
    double scale = Math.sqrt(12) / (levels * Math.sqrt(order.channels()));   // codes spread evenly have a deviation of levels/√12
    Tensor scales = Tensor.allocate(arena, DType.F32, rows, 1);
    Tensor zeros = Tensor.allocate(arena, DType.I16, rows, 1);
    for (int row = 0; row < rows; row++) {
      scales.setFloat(row, 0, (float) (scale * random.nextDouble(0.75, 1.25)));
      zeros.setInt(row, 0, levels / 2 - random.nextInt(2));
    }
    List<CodeClass> classes = new ArrayList<>();
    for (int c = 0; c < order.classes(); c++) {
      int columns = order.end(c) - order.start(c);
      Tensor codes = Tensor.allocate(arena, DType.U8, rows, CodeClass.packedBytes(columns, spec.weightBits()));
      fill(codes.segment(), -1, 0);
      clearRowEnds(codes, columns * spec.weightBits() % 8);
      boolean empty = columns == 0;
      classes.add(new CodeClass(columns, spec.weightBits(), 0, CodeClass.groupEnds(columns, Math.max(1, columns)), codes,
          empty ? Tensor.allocate(DType.F32, rows, 0) : scales, empty ? Tensor.allocate(DType.I16, rows, 0) : zeros));
    }
    return new QuantizedWeight(rows, order, classes);
  }

  /** Bits of a row's last byte that hold no code are 0. */
  private static void clearRowEnds(Tensor codes, int usedBits) {
    if (usedBits != 0) {
      int last = codes.columns() - 1;
      for (int row = 0; row < codes.rows(); row++) {
        codes.setInt(row, last, codes.getInt(row, last) & ((1 << usedBits) - 1));
      }
    }
  }

  private boolean[] salient(int channels) {
    float[] score = new float[channels];
    for (int c = 0; c < channels; c++) {
      score[c] = (float) random.nextDouble();
    }
    return ChannelOrder.select(score, 1 - spec.salient());
  }

  private KeyValueEncoding keyValues(int channels) {
    float[] low = new float[channels];
    float[] high = new float[channels];
    for (int c = 0; c < channels; c++) {
      low[c] = (float) -random.nextDouble(2, 4);
      high[c] = (float) random.nextDouble(2, 4);
    }
    return new KeyValueEncoding(neuron, neuron.dynamics(spec.activationBits(), 1),
        neuron.dynamics(spec.activationBits(), spec.timeSteps()), neuron.collapsible(), salient(channels), low, high,
        salient(channels));
  }

  /** Sets every eight bytes to {@code random & keep | set}. */
  private void fill(MemorySegment target, long keep, long set) {
    long size = target.byteSize();
    SplittableRandom[] generators = new SplittableRandom[Math.toIntExact((size + PIECE - 1) / PIECE)];
    for (int piece = 0; piece < generators.length; piece++) {
      generators[piece] = random.split();
    }
    IntStream.range(0, generators.length).parallel().forEach(piece -> {
      long from = (long) piece * PIECE;
      draw(target.asSlice(from, Math.min(PIECE, size - from)), generators[piece], keep, set);
    });
  }

  private static void draw(MemorySegment piece, SplittableRandom generator, long keep, long set) {
    int whole = (int) (piece.byteSize() & -Long.BYTES);
    for (int at = 0; at < whole; at += Long.BYTES) {
      piece.set(LONG, at, generator.nextLong() & keep | set);
    }
    long rest = generator.nextLong() & keep | set;
    for (int at = whole; at < piece.byteSize(); at++) {
      piece.set(Tensor.BYTE, at, (byte) rest);
      rest >>>= Byte.SIZE;
    }
  }
}
