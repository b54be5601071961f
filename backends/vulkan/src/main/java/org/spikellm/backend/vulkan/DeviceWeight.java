package org.spikellm.backend.vulkan;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.CodeClass;
import org.spikellm.api.DType;
import org.spikellm.api.QuantizedWeight;

/** A quantized weight on the device; one that is larger than a range may be lies in several. */
final class DeviceWeight {

  /** Classes that linear_few.comp takes at once. */
  static final int CLASSES_AT_ONCE = 4;
  /** Bytes of a class there. */
  private static final int CLASS_BYTES = 88;
  private static final int MOST_DIGITS = 3;
  private static final long TILE_ROWS = CodeBlocks.ROWS;

  /**
   * Rows of one class, in ranges that linear_few.comp describes.
   *
   * @param codeZeros one, where rows have none of their own
   */
  record Rows(DeviceMemory.Range codes, DeviceMemory.Range scales, DeviceMemory.Range codeZeros, DeviceMemory.Range codeSums) {}

  /**
   * Consecutive rows.
   *
   * @param classes as those of the weight that have columns
   * @param tables of so many of them at a time
   */
  record Part(int firstRow, int rows, List<Rows> classes, List<DeviceMemory.Range> tables) {

    int tiles() {
      return (rows + CodeBlocks.ROWS - 1) / CodeBlocks.ROWS;
    }
  }

  private final List<ClassOnDevice> classes = new ArrayList<>();
  private final List<Part> parts = new ArrayList<>();
  private final boolean halves;
  private final boolean zeros;
  private final boolean single;

  /** Brings {@code weight} to the device; the ranges that it takes are added to {@code kept}. */
  DeviceWeight(QuantizedWeight weight, Places places, VulkanSession session, Commands commands, Arena arena,
      List<DeviceMemory.Range> kept) {
    ChannelOrder order = weight.order();
    int[] filled = IntStream.range(0, order.classes()).filter(c -> weight.rows() > 0 && order.end(c) > order.start(c)).toArray();
    List<CodeClass> codes = Arrays.stream(filled).mapToObj(weight.classes()::get).toList();
    List<CodeBlocks> blocks = codes.stream().map(CodeBlocks::new).toList();
    halves = codes.stream().allMatch(c -> c.scales().dtype() == DType.F16);
    zeros = codes.stream().anyMatch(c -> c.timeSteps() == 0);
    single = codes.stream().allMatch(c -> c.groups() == 1);
    Uploader uploader = new Uploader(session.memory(), commands, arena, kept);
    long widest = 1;
    for (int i = 0; i < filled.length; i++) {
      CodeClass c = codes.get(i);
      CodeBlocks b = blocks.get(i);
      int zero = c.timeSteps() > 0 ? c.zero(0, 0) : 0;
      classes.add(new ClassOnDevice(filled[i], c.bits(), c.columns(), zero, b.blocks(), c.groups(), b.runs().size() - 1, b.isWhole(),
          b.largestSum(), uploader.table(b.pieces()), uploader.table(b.groups()), uploader.table(b.runs())));
      widest = Math.max(widest, Math.max(b.tileBytes(), 4 * TILE_ROWS * c.groups()));
    }
    int tiles = filled.length == 0 ? 0 : (weight.rows() + CodeBlocks.ROWS - 1) / CodeBlocks.ROWS;
    int most = Math.clamp(session.memory().largest() / widest, 1, Math.max(1, tiles));
    for (int tile = 0; tile < tiles; tile += most) {
      int first = tile;
      int count = Math.min(most, tiles - tile);
      List<Rows> all = IntStream.range(0, filled.length)
          .mapToObj(i -> rows(uploader, blocks.get(i), classes.get(i), first, count)).toList();
      List<DeviceMemory.Range> tables = new ArrayList<>();
      for (int step = 0; step < steps(); step++) {
        tables.add(uploader.copy(table(all, step, places)));
      }
      int firstRow = tile * CodeBlocks.ROWS;
      parts.add(new Part(firstRow, Math.min(weight.rows() - firstRow, count * CodeBlocks.ROWS), all, tables));
    }
  }

  private Rows rows(Uploader uploader, CodeBlocks blocks, ClassOnDevice c, int firstTile, int tiles) {
    int firstRow = firstTile * CodeBlocks.ROWS;
    long rows = tiles * TILE_ROWS;
    DeviceMemory.Range codes = uploader.take(blocks.tileBytes() * tiles);
    uploader.commands().upload(tiles, blocks.tileBytes(), codes, (tile, place) -> blocks.fill(firstTile + tile, place),
        blocks.isForAllThreads());
    DeviceMemory.Range scales = uploader.fill(c.groups(), (halves ? 2 : 4) * rows,
        (group, place) -> blocks.fillScales(group, firstRow, halves, place));
    DeviceMemory.Range codeZeros = zeros
        ? uploader.fill(c.groups(), 4 * rows, (group, place) -> blocks.fillZeros(group, firstRow, place))
        : uploader.table(List.of(new int[] {c.zero()}));
    DeviceMemory.Range sums = single ? uploader.fill(1, 4 * rows, (group, place) -> blocks.fillSums(firstRow, place)) : codeZeros;
    return new Rows(codes, scales, codeZeros, sums);
  }

  /**
   * The classes of a step as linear_few.comp reads them, the last one twice: where a CPU acts as a GPU, threads that have left a loop
   * may read what comes next.
   */
  private MemorySegment table(List<Rows> all, int step, Places places) {
    List<ClassOnDevice> some = atOnce(step);
    ByteBuffer table = ByteBuffer.allocateDirect(CLASS_BYTES * (some.size() + 1)).order(ByteOrder.nativeOrder());
    for (int k = 0; k <= some.size(); k++) {
      int i = Math.min(k, some.size() - 1);
      ClassOnDevice c = some.get(i);
      Rows rows = all.get(step * CLASSES_AT_ONCE + i);
      table.putLong(rows.codes.address()).putLong(rows.scales.address()).putLong(rows.codeZeros.address())
          .putLong(rows.codeSums.address()).putLong(c.runTable().address());
      table.putInt(c.blocks()).putInt(c.runs()).putInt(c.bits()).putInt(c.columns()).putInt(places.first(c.index())).putInt(c.index())
          .putInt(c.zero());
      for (int digits = 1; digits <= MOST_DIGITS; digits++) {
        table.putInt(c.mostZero(digits));
      }
      table.putInt((halves ? 1 : 0) + (zeros ? 2 : 0)).putInt(0);
    }
    return MemorySegment.ofBuffer(table.flip());
  }

  /** Classes that have columns. */
  List<ClassOnDevice> classes() {
    return classes;
  }

  /** How often linear_few.comp runs, one after the other. */
  int steps() {
    return (classes.size() + CLASSES_AT_ONCE - 1) / CLASSES_AT_ONCE;
  }

  /** The classes that it takes in a step. */
  List<ClassOnDevice> atOnce(int step) {
    return classes.subList(step * CLASSES_AT_ONCE, Math.min(classes.size(), (step + 1) * CLASSES_AT_ONCE));
  }

  List<Part> parts() {
    return parts;
  }

  /** Whether scales are in half precision. */
  boolean hasHalves() {
    return halves;
  }

  /** Whether each row has zero points of its own. */
  boolean hasZeros() {
    return zeros;
  }

  /** Whether every class is one group. */
  boolean isSingle() {
    return single;
  }
}
