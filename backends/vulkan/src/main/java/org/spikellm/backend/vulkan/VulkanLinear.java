package org.spikellm.backend.vulkan;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.CodeClass;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Shapes;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.SpikingLinear;
import org.spikellm.api.Tensor;

/** A quantized linear layer on the device; of the weight it was made from only the channel order is kept. */
final class VulkanLinear implements SpikingLinear {

  /** Columns for which sums of bytes stay within 32 bits. */
  private static final int MOST_COLUMNS = 65_535;
  private static final int TOKENS_AT_ONCE = 4;
  /** Tokens of a workgroup of linear_tile.comp, and from how many on it is used. */
  private static final int TILE_TOKENS = 32;
  private static final int LEAST_TILED = 9;

  /**
   * Spikes on the device.
   *
   * @param spikes [tokens, digits, places], bytes
   * @param thetas F32 [tokens, classes]
   * @param zeros I32 [tokens, classes], less what was taken off the counts
   * @param digits signed bytes of a count
   */
  record Spikes(DeviceMemory.Range spikes, DeviceMemory.Range thetas, DeviceMemory.Range zeros, int digits) {}

  /**
   * Where sums begin and end.
   *
   * @param starts F32 [tokens, rows], {@code startStride} apart: what they begin with
   * @param partial [tokens, rows]: between the classes; may be {@code starts} or {@code sums}
   * @param sums [tokens, rows]
   * @param adds whether they are added to what is in {@code sums}
   */
  record Sums(DeviceMemory.Range starts, int startStride, DeviceMemory.Range partial, DeviceMemory.Range sums, boolean adds) {}

  /** Consecutive rows of a class, in the ranges that codes.glsl describes. */
  private record Part(int firstRow, int rows, DeviceMemory.Range codes, DeviceMemory.Range scales) {
    int tiles() {
      return (rows + CodeBlocks.ROWS - 1) / CodeBlocks.ROWS;
    }
  }

  /** A class of columns on the device. */
  private record OnDevice(int index, int bits, int blocks, int groups, boolean whole, long largestSum, List<Part> parts,
      DeviceMemory.Range pieces, DeviceMemory.Range groupTable) {}

  private final VulkanSession session;
  private final int rows;
  private final ChannelOrder order;
  private final Places places;
  private final List<OnDevice> classes = new ArrayList<>();

  VulkanLinear(QuantizedWeight weight, VulkanSession session) {
    this.session = session;
    rows = weight.rows();
    order = weight.order();
    places = new Places(order);
    if (order.channels() > MOST_COLUMNS) {
      throw new IllegalArgumentException("spiking linear on backend 'vulkan': expected at most " + MOST_COLUMNS
          + " columns, found " + order.channels());
    }
    List<DeviceMemory.Range> kept = new ArrayList<>();
    try (Call call = session.call(); Arena arena = Arena.ofConfined()) {
      for (int c = 0; c < order.classes(); c++) {
        CodeClass codes = weight.classes().get(c);
        if (rows > 0 && codes.columns() > 0) {
          classes.add(upload(c, codes, call.commands(), arena, kept));
        }
      }
      call.finish();
    } catch (RuntimeException | Error e) {
      kept.forEach(session.memory()::release);
      throw e;
    }
    session.memory().releaseAfter(this, kept);
  }

  private OnDevice upload(int index, CodeClass codes, Commands commands, Arena arena, List<DeviceMemory.Range> kept) {
    CodeBlocks blocks = new CodeBlocks(codes);
    long tileScales = CodeBlocks.SCALE_BYTES * CodeBlocks.ROWS;
    int tiles = (rows + CodeBlocks.ROWS - 1) / CodeBlocks.ROWS;
    int most = Math.clamp(session.memory().largest() / Math.max(blocks.tileBytes(), tileScales * codes.groups()), 1, tiles);
    List<Part> parts = new ArrayList<>();
    for (int from = 0; from < tiles; from += most) {
      int first = from;
      int count = Math.min(most, tiles - from);
      DeviceMemory.Range words = keep(blocks.tileBytes() * count, kept);
      commands.upload(count, blocks.tileBytes(), words, (tile, place) -> blocks.fill(first + tile, place));
      DeviceMemory.Range scales = keep(tileScales * count * codes.groups(), kept);
      int firstRow = first * CodeBlocks.ROWS;
      commands.upload(codes.groups(), tileScales * count, scales, (group, place) -> blocks.fillScales(group, firstRow, place));
      parts.add(new Part(firstRow, Math.min(rows - firstRow, count * CodeBlocks.ROWS), words, scales));
    }
    return new OnDevice(index, codes.bits(), blocks.blocks(), codes.groups(), blocks.isWhole(), blocks.largestSum(), parts,
        table(blocks.pieces(), commands, arena, kept), table(blocks.groups(), commands, arena, kept));
  }

  private DeviceMemory.Range keep(long bytes, List<DeviceMemory.Range> kept) {
    DeviceMemory.Range range = session.memory().allocate(bytes);
    kept.add(range);
    return range;
  }

  private DeviceMemory.Range table(List<int[]> pairs, Commands commands, Arena arena, List<DeviceMemory.Range> kept) {
    MemorySegment segment = arena.allocateFrom(ValueLayout.JAVA_INT, pairs.stream().flatMapToInt(Arrays::stream).toArray());
    DeviceMemory.Range range = keep(segment.byteSize(), kept);
    commands.upload(segment, range);
    return range;
  }

  @Override
  public int rows() {
    return rows;
  }

  @Override
  public int columns() {
    return order.channels();
  }

  @Override
  public boolean keepsWeight() {
    return false;
  }

  ChannelOrder order() {
    return order;
  }

  VulkanSession session() {
    return session;
  }

  /** Classes that have columns; each is a step of its own. */
  int steps() {
    return classes.size();
  }

  /** Step {@code step} of the product with spikes. */
  void multiply(int step, Recorder recorder, Spikes x, int tokens, Sums sums) {
    OnDevice c = classes.get(step);
    boolean tiled = tokens >= LEAST_TILED && x.digits <= 2;
    int atOnce = tiled ? TILE_TOKENS : tokens == 1 ? 1 : TOKENS_AT_ONCE;
    int whole = c.whole ? 1 : 0;
    Kernel kernel = tiled ? session.kernels().get(Shader.LINEAR_TILE, c.bits, x.digits, whole)
        : session.kernels().get(Shader.LINEAR_SPIKES, c.bits, atOnce, whole);
    long stored = x.digits == 1 ? 128 : 1L << (8 * x.digits);
    int mostZero = Math.clamp((1L << 31) / Math.max(1, c.largestSum) - stored - 1, -1, 1 << 30);
    for (Part part : c.parts) {
      Arguments arguments = Arguments.of(part.codes, part.scales, c.pieces, c.groupTable, x.spikes, x.thetas, x.zeros,
          from(step, sums, part), to(step, sums, part))
          .with(part.rows, tokens, c.blocks, c.groups, places.count() / 4, places.first(c.index) / 4, order.classes(), c.index,
              x.digits, mostZero, startStride(step, sums), rows, adds(step, sums));
      recorder.dispatch(kernel, arguments, part.tiles(), (tokens + atOnce - 1) / atOnce);
    }
  }

  /**
   * Step {@code step} of the product with inputs that are not encoded.
   *
   * @param inputs F32 [tokens, places]
   */
  void multiply(int step, Recorder recorder, DeviceMemory.Range inputs, int tokens, Sums sums) {
    OnDevice c = classes.get(step);
    int atOnce = tokens == 1 ? 1 : TOKENS_AT_ONCE;
    Kernel kernel = session.kernels().get(Shader.LINEAR_FLOATS, c.bits, atOnce);
    for (Part part : c.parts) {
      Arguments arguments = Arguments.of(part.codes, part.scales, c.pieces, c.groupTable, inputs, from(step, sums, part),
          to(step, sums, part))
          .with(part.rows, tokens, c.blocks, c.groups, places.count(), places.first(c.index), startStride(step, sums), rows,
              adds(step, sums));
      recorder.dispatch(kernel, arguments, part.tiles(), (tokens + atOnce - 1) / atOnce);
    }
  }

  private static DeviceMemory.Range from(int step, Sums sums, Part part) {
    return (step == 0 ? sums.starts : sums.partial).from(4L * part.firstRow);
  }

  private DeviceMemory.Range to(int step, Sums sums, Part part) {
    return (step == steps() - 1 ? sums.sums : sums.partial).from(4L * part.firstRow);
  }

  private int startStride(int step, Sums sums) {
    return step == 0 ? sums.startStride : rows;
  }

  private int adds(int step, Sums sums) {
    return sums.adds && step == steps() - 1 ? 1 : 0;
  }

  /** Sums that begin with what is there. */
  private Sums onto(DeviceMemory.Range sums) {
    return new Sums(sums, rows, sums, sums, false);
  }

  @Override
  public void accumulate(SpikeTrain x, Tensor out) {
    Shapes.accumulate(x, order, rows, out);
    int tokens = x.tokens();
    if (tokens == 0 || classes.isEmpty()) {
      return;
    }
    int digits = Places.digits(x);
    int offset = Places.offset(digits);
    try (Call call = session.call(); Arena arena = Arena.ofConfined()) {
      long rowBytes = (long) digits * places.count();
      DeviceMemory.Range bytes = call.take(tokens * rowBytes);
      call.commands().upload(tokens, rowBytes, bytes, (token, place) -> places.fill(x, token, digits, place));
      MemorySegment zeros = arena.allocate(x.zeros().segment().byteSize(), 4);
      for (int i = 0; i < tokens * order.classes(); i++) {
        zeros.set(ValueLayout.JAVA_INT, 4L * i, x.zeros().segment().get(Tensor.INT, 4L * i) - offset);
      }
      Spikes spikes = new Spikes(bytes, call.upload(x.thresholds()), call.upload(zeros), digits);
      DeviceMemory.Range sums = call.upload(out);
      for (int step = 0; step < steps(); step++) {
        multiply(step, call.commands(), spikes, tokens, onto(sums));
      }
      call.finish(sums, out);
    } finally {
      Reference.reachabilityFence(this); // or its ranges might be given back before they are read
    }
  }

  @Override
  public void accumulate(Tensor x, Tensor out) {
    Shapes.f32("linear input", x, x.rows(), columns());
    Shapes.f32("linear output", out, x.rows(), rows);
    int tokens = x.rows();
    if (tokens == 0 || classes.isEmpty()) {
      return;
    }
    try (Call call = session.call()) {
      float[] row = new float[columns()];
      DeviceMemory.Range inputs = call.take(4L * tokens * places.count());
      call.commands().upload(tokens, 4L * places.count(), inputs, (token, place) -> {
        x.readRow(token, row);
        places.fill(row, place);
      });
      DeviceMemory.Range sums = call.upload(out);
      for (int step = 0; step < steps(); step++) {
        multiply(step, call.commands(), inputs, tokens, onto(sums));
      }
      call.finish(sums, out);
    } finally {
      Reference.reachabilityFence(this); // or its ranges might be given back before they are read
    }
  }
}
