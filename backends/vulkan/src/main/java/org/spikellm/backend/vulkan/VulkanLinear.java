package org.spikellm.backend.vulkan;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.spikellm.api.ChannelOrder;
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
  /** Slices of all workgroups that make a GPU busy, and those of one at most. */
  private static final int BUSY_SLICES = 2048;
  private static final int MOST_SLICES = 16;
  private static final int LEAST_SLICES = 2;
  /** Blocks that a thread reads at once, for one token. */
  private static final int BLOCKS_AHEAD = 8;
  private static final int NARROW_BITS = 4;
  /** Its first constant that says how many bits a class has. */
  private static final int FIRST_BITS = 5;
  /** Runs that linear_few.comp keeps, where classes have several groups. */
  private static final int RUNS = 48;

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

  private final VulkanSession session;
  private final int rows;
  private final ChannelOrder order;
  private final Places places;
  private final DeviceWeight weight;

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
      this.weight = new DeviceWeight(weight, places, session, call.commands(), arena, kept);
      call.finish();
    } catch (RuntimeException | Error e) {
      kept.forEach(session.memory()::release);
      throw e;
    }
    session.memory().releaseAfter(this, kept);
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

  /** Whether any columns are there. */
  boolean hasColumns() {
    return !weight.classes().isEmpty();
  }

  /** Kernels that have to wait for each other, where so many tokens are multiplied. */
  int steps(int tokens, int digits) {
    return isTiled(tokens, digits) ? weight.classes().size() : weight.steps();
  }

  private static boolean isTiled(int tokens, int digits) {
    return tokens >= LEAST_TILED && (digits == 1 || digits == 2);
  }

  /** Step {@code step} of the product with spikes. */
  void multiply(int step, Recorder recorder, Spikes x, int tokens, Sums sums) {
    if (!isTiled(tokens, x.digits)) {
      few(step, recorder, x, tokens, sums);
      return;
    }
    ClassOnDevice c = weight.classes().get(step);
    boolean last = step == weight.classes().size() - 1;
    for (DeviceWeight.Part part : weight.parts()) {
      DeviceWeight.Rows own = part.classes().get(step);
      Arguments arguments = Arguments.of(own.codes(), own.scales(), own.codeZeros(), c.pieces(), c.groupTable(), x.spikes,
          x.thetas, x.zeros, from(step, sums, part), to(last, sums, part))
          .with(part.rows(), tokens, c.blocks(), c.groups(), places.count() / 4, places.first(c.index()) / 4, order.classes(),
              c.index(), c.mostZero(x.digits), startStride(step, sums), rows, flag(last && sums.adds));
      MatrixTile tile = session.device().tile(part.rows(), tokens, x.digits);
      if (tile != null) {
        Kernel kernel = tile.kernel(session.kernels(), c.bits(), x.digits, flag(c.whole()), flag(c.groups() == 1),
            flag(weight.hasHalves()), flag(weight.hasZeros()));
        recorder.dispatch(kernel, arguments, tile.across(part.rows()), tile.down(tokens));
      } else {
        Kernel kernel = session.kernels().get(Shader.LINEAR_TILE, c.bits(), x.digits, flag(c.whole()), flag(weight.hasHalves()),
            flag(weight.hasZeros()));
        recorder.dispatch(kernel, arguments, part.tiles(), (tokens + TILE_TOKENS - 1) / TILE_TOKENS);
      }
    }
  }

  /**
   * Step {@code step} of the product with inputs that are not encoded.
   *
   * @param inputs F32 [tokens, places]
   */
  void multiply(int step, Recorder recorder, DeviceMemory.Range inputs, int tokens, Sums sums) {
    few(step, recorder, new Spikes(inputs, inputs, inputs, 0), tokens, sums);
  }

  /** Some classes, a few tokens to a workgroup. */
  private void few(int step, Recorder recorder, Spikes x, int tokens, Sums sums) {
    List<ClassOnDevice> classes = weight.atOnce(step);
    int atOnce = tokens == 1 ? 1 : TOKENS_AT_ONCE;
    boolean last = step == weight.steps() - 1;
    for (DeviceWeight.Part part : weight.parts()) {
      Arguments arguments = Arguments.of(part.tables().get(step), x.spikes, x.thetas, x.zeros, from(step, sums, part),
          to(last, sums, part))
          .with(part.rows(), tokens, places.count(), order.classes(), startStride(step, sums), rows, flag(last && sums.adds),
              classes.size());
      int down = (tokens + atOnce - 1) / atOnce;
      // On a CPU, or for one call, the other kernel would take longer to compile than to run.
      Kernel kernel = session.device().isTunedForGpu() && recorder.isRunOften() ? few(classes, part.tiles() * down, atOnce, x.digits)
          : session.kernels().get(Shader.LINEAR_ANY, atOnce, x.digits);
      recorder.dispatch(kernel, arguments, part.tiles(), down);
    }
  }

  /**
   * The kernel for these classes.
   *
   * @param groups workgroups
   * @param tokens of a workgroup
   */
  private Kernel few(List<ClassOnDevice> classes, int groups, int tokens, int digits) {
    boolean single = weight.isSingle() && digits > 0;
    int most = classes.stream().mapToInt(c -> single ? c.blocks() : c.runs()).sum();
    if (!single) {
      most = Math.min(most, RUNS / tokens / Math.max(1, digits));
    }
    int threads = session.device().facts().mostThreads();
    int wanted = Math.min(Math.min(MOST_SLICES, threads / CodeBlocks.ROWS), (BUSY_SLICES + groups - 1) / groups);
    int slices = Math.clamp(Integer.highestOneBit(2 * wanted - 1), LEAST_SLICES,
        Math.max(LEAST_SLICES, Integer.highestOneBit(Math.max(1, most))));
    boolean narrow = classes.stream().allMatch(c -> c.bits() <= NARROW_BITS);
    Integer[] constants = {tokens, digits, flag(single), flag(weight.hasHalves()), flag(weight.hasZeros()), 0, 0, 0, 0,
        tokens > 1 ? 1 : narrow ? BLOCKS_AHEAD : BLOCKS_AHEAD / 2};
    for (int i = 0; i < classes.size(); i++) {
      constants[FIRST_BITS + i] = classes.get(i).bits();
    }
    return session.kernels().get(CodeBlocks.ROWS * slices, Shader.LINEAR_FEW, constants);
  }

  private static int flag(boolean value) {
    return value ? 1 : 0;
  }

  private static DeviceMemory.Range from(int step, Sums sums, DeviceWeight.Part part) {
    return (step == 0 ? sums.starts : sums.partial).from(4L * part.firstRow());
  }

  private static DeviceMemory.Range to(boolean last, Sums sums, DeviceWeight.Part part) {
    return (last ? sums.sums : sums.partial).from(4L * part.firstRow());
  }

  private int startStride(int step, Sums sums) {
    return step == 0 ? sums.startStride : rows;
  }

  /** Sums that begin with what is there. */
  private Sums onto(DeviceMemory.Range sums) {
    return new Sums(sums, rows, sums, sums, false);
  }

  @Override
  public void accumulate(SpikeTrain x, Tensor out) {
    Shapes.accumulate(x, order, rows, out);
    int tokens = x.tokens();
    if (tokens == 0 || weight.classes().isEmpty()) {
      return;
    }
    int digits = Places.digits(x);
    int offset = Places.offset(digits);
    try (Call call = session.call(); Arena arena = Arena.ofConfined()) {
      long rowBytes = (long) digits * places.count();
      DeviceMemory.Range bytes = call.take(tokens * rowBytes);
      call.commands().upload(tokens, rowBytes, bytes, (token, place) -> places.fill(x, token, digits, place), false);
      MemorySegment zeros = arena.allocate(x.zeros().segment().byteSize(), 4);
      for (int i = 0; i < tokens * order.classes(); i++) {
        zeros.set(ValueLayout.JAVA_INT, 4L * i, x.zeros().segment().get(Tensor.INT, 4L * i) - offset);
      }
      Spikes spikes = new Spikes(bytes, call.upload(x.thresholds()), call.upload(zeros), digits);
      DeviceMemory.Range sums = call.upload(out);
      for (int step = 0; step < steps(tokens, digits); step++) {
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
    if (tokens == 0 || weight.classes().isEmpty()) {
      return;
    }
    try (Call call = session.call()) {
      float[] row = new float[columns()];
      DeviceMemory.Range inputs = call.take(4L * tokens * places.count());
      call.commands().upload(tokens, 4L * places.count(), inputs, (token, place) -> {
        x.readRow(token, row);
        places.fill(row, place);
      }, false);
      DeviceMemory.Range sums = call.upload(out);
      for (int step = 0; step < steps(tokens, 0); step++) {
        multiply(step, call.commands(), inputs, tokens, onto(sums));
      }
      call.finish(sums, out);
    } finally {
      Reference.reachabilityFence(this); // or its ranges might be given back before they are read
    }
  }
}
