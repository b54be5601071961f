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

  /** A class of columns on the device, in the ranges that codes.glsl describes. */
  private record OnDevice(int index, int bits, int blocks, int groups, boolean whole, long largestSum, DeviceMemory.Range codes,
      DeviceMemory.Range scales, DeviceMemory.Range pieces, DeviceMemory.Range groupTable) {}

  private final VulkanSession session;
  private final int rows;
  private final int tiles;
  private final ChannelOrder order;
  private final Places places;
  private final List<OnDevice> classes = new ArrayList<>();

  VulkanLinear(QuantizedWeight weight, VulkanSession session) {
    this.session = session;
    rows = weight.rows();
    order = weight.order();
    places = new Places(order);
    tiles = (rows + CodeBlocks.ROWS - 1) / CodeBlocks.ROWS;
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
    DeviceMemory.Range words = keep(blocks.tileBytes() * tiles, kept);
    commands.upload(tiles, blocks.tileBytes(), words, blocks::fill);
    long groupBytes = 8L * tiles * CodeBlocks.ROWS;
    DeviceMemory.Range scales = keep(groupBytes * codes.groups(), kept);
    commands.upload(codes.groups(), groupBytes, scales, blocks::fillScales);
    return new OnDevice(index, codes.bits(), blocks.blocks(), codes.groups(), blocks.isWhole(), blocks.largestSum(), words,
        scales, table(blocks.pieces(), commands, arena, kept), table(blocks.groups(), commands, arena, kept));
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
  public void accumulate(SpikeTrain x, Tensor out) {
    Shapes.accumulate(x, order, rows, out);
    int tokens = x.tokens();
    if (tokens == 0 || classes.isEmpty()) {
      return;
    }
    int digits = Places.digits(x);
    int offset = Places.offset(digits);
    long largest = 0;
    try (Call call = session.call(); Arena arena = Arena.ofConfined()) {
      long rowBytes = (long) digits * places.count();
      DeviceMemory.Range spikes = call.take(tokens * rowBytes);
      call.commands().upload(tokens, rowBytes, spikes, (token, place) -> places.fill(x, token, digits, place));
      MemorySegment zeros = arena.allocate(x.zeros().segment().byteSize(), 4);
      for (int i = 0; i < tokens * order.classes(); i++) {
        int zero = x.zeros().segment().get(Tensor.INT, 4L * i) - offset;
        zeros.set(ValueLayout.JAVA_INT, 4L * i, zero);
        largest = Math.max(largest, Math.abs((long) zero));
      }
      largest += digits == 1 ? 128 : 1L << (8 * digits);
      DeviceMemory.Range thetas = call.upload(x.thresholds());
      DeviceMemory.Range zeroPoints = call.upload(zeros);
      DeviceMemory.Range sums = call.upload(out);
      int atOnce = tokens == 1 ? 1 : TOKENS_AT_ONCE;
      for (OnDevice c : classes) {
        Kernel kernel = session.kernels().get(Shader.LINEAR_SPIKES, c.bits, atOnce, c.whole ? 1 : 0);
        int narrow = c.largestSum * largest < 1L << 31 ? 1 : 0;
        Arguments arguments = Arguments.of(c.codes, c.scales, c.pieces, c.groupTable, spikes, thetas, zeroPoints, sums)
            .with(rows, tokens, c.blocks, c.groups, places.count() / 4, places.first(c.index) / 4, order.classes(), c.index,
                digits, narrow);
        call.commands().dispatch(kernel, arguments, tiles, (tokens + atOnce - 1) / atOnce);
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
      int atOnce = tokens == 1 ? 1 : TOKENS_AT_ONCE;
      for (OnDevice c : classes) {
        Kernel kernel = session.kernels().get(Shader.LINEAR_FLOATS, c.bits, atOnce);
        Arguments arguments = Arguments.of(c.codes, c.scales, c.pieces, c.groupTable, inputs, sums)
            .with(rows, tokens, c.blocks, c.groups, places.count(), places.first(c.index));
        call.commands().dispatch(kernel, arguments, tiles, (tokens + atOnce - 1) / atOnce);
      }
      call.finish(sums, out);
    } finally {
      Reference.reachabilityFence(this); // or its ranges might be given back before they are read
    }
  }
}
