package org.spikellm.backend.simd;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.spikellm.api.CodeClass;
import org.spikellm.api.Tensor;

/**
 * The codes of one column class in tiles of 16 rows ({@link CodeLayout}), where a checkpoint has them so, else in a copy; and their scales.
 *
 * <p>Kernels work on a *vector* of rows, {@link Lanes#COUNT} of them, line by line. A *step* is a line of one group: where a group begins
 * within a line, that line is a step of both, with activations of 0 for the columns of the other. Steps are numbered group after group.
 */
final class TiledCodes {

  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(Lanes.ORDER);

  private static final int TILE_ROWS = CodeLayout.TILE_ROWS;

  /** Bytes from a group's scales to its zeros, and from these to the row sums. */
  private static final int FACTOR_BYTES = TILE_ROWS * Float.BYTES;

  /** Bytes from a group's scales to its zeros. */
  static final int ZEROS = FACTOR_BYTES;

  /** Bytes from a group's scales to its row sums: Σ (code − zero). */
  static final int ROW_SUMS = 2 * FACTOR_BYTES;

  /** Bytes from group to group. */
  static final int GROUP_BYTES = 3 * FACTOR_BYTES;

  final CodeLayout layout;
  final int rows;
  final int columns;
  final int groups;
  final int steps;
  /** The most columns of a group. */
  final int maxGroupColumns;
  /** The largest |code − zero| of any code that fits the layout. */
  final int maxDistance;
  /** Tiles: a vector of rows at {@link #at}. */
  final MemorySegment codes;
  /** Scales, zeros and row sums: those of a vector of rows at {@link #factors(int, int)}. */
  final MemorySegment factors;
  /** Whether {@link #codes} are those of the weight that this was made of. */
  final boolean inPlace;

  private final int[] groupEnds;
  private final int[] stepEnds;
  private final int tiles;
  private final long tileBytes;

  private TiledCodes(CodeClass source, WeightMemory free) {
    layout = CodeLayout.of(source.bits());
    rows = source.rows();
    columns = source.columns();
    groups = source.groups();
    groupEnds = source.groupEnds();
    stepEnds = new int[groups];
    int widest = 0;
    int step = 0;
    for (int g = 0; g < groups; g++) {
      step += Lanes.ceilDiv(groupEnds[g], layout.perLine()) - line(g);
      stepEnds[g] = step;
      widest = Math.max(widest, groupEnds[g] - groupStart(g));
    }
    steps = step;
    maxGroupColumns = widest;
    maxDistance = maxDistance(source);
    tiles = Lanes.ceilDiv(rows, TILE_ROWS);
    tileBytes = (long) lines() * layout.lineBytes();
    inPlace = source.layout() == CodeClass.Layout.TILES;
    codes = inPlace ? source.codes().segment() : free.allocate(Math.max(1, tiles * tileBytes), 64);
    factors = free.allocate(Math.max(1, (long) tiles * groups * GROUP_BYTES), 64);
  }

  /** The classes of a weight; {@code sources} are not kept, but for the codes of those that are {@link #inPlace}. */
  static TiledCodes[] of(List<CodeClass> sources, WeightMemory free, Workers workers) {
    TiledCodes[] classes = sources.stream().map(source -> new TiledCodes(source, free)).toArray(TiledCodes[]::new);
    TileReader[][] readers = new TileReader[workers.threads()][classes.length];
    workers.forEach(Lanes.ceilDiv(sources.getFirst().rows(), TILE_ROWS), (tile, worker) -> {
      for (int c = 0; c < classes.length; c++) {
        if (readers[worker][c] == null) {
          readers[worker][c] = new TileReader(sources.get(c), classes[c]);
        }
        readers[worker][c].read(tile);
      }
    });
    return classes;
  }

  /** Lines of a tile. */
  int lines() {
    return Lanes.ceilDiv(columns, layout.perLine());
  }

  /** Vectors of rows, the last of them maybe with rows of no weight. */
  int vectors() {
    return Lanes.ceilDiv(rows, Lanes.COUNT);
  }

  /**
   * Byte of {@link #codes} at which a line of a vector of rows begins; the next one is {@link CodeLayout#lineBytes} on. Past the last
   * vector that of another.
   */
  long at(int vector, int line) {
    int row = Math.min(vector, vectors() - 1) * Lanes.COUNT;
    return row / TILE_ROWS * tileBytes + (long) line * layout.lineBytes() + row % TILE_ROWS * (long) Integer.BYTES;
  }

  /** Byte of {@link #factors} at which the scales of (vector of rows, group) begin; past the last vector those of another. */
  long factors(int vector, int group) {
    int row = Math.min(vector, vectors() - 1) * Lanes.COUNT;
    return tileFactors(row / TILE_ROWS, group) + row % TILE_ROWS * (long) Float.BYTES;
  }

  /** Byte of {@link #factors} at which the scales of (tile, group) begin. */
  long tileFactors(int tile, int group) {
    return ((long) tile * groups + group) * GROUP_BYTES;
  }

  /** Copies lines of a tile: row r's lanes of line l are {@code to[(l · lanes + 0..lanes − 1) · TILE_ROWS + r]}. */
  void copy(int tile, int line, int count, int[] to) {
    MemorySegment.copy(codes, INT, tile * tileBytes + (long) line * layout.lineBytes(), to, 0, count * layout.lineBytes() / Integer.BYTES);
  }

  /** Writes a whole tile, as {@link #copy} gives it. */
  void put(int tile, int[] from) {
    MemorySegment.copy(from, 0, codes, INT, tile * tileBytes, lines() * layout.lineBytes() / Integer.BYTES);
  }

  /** First column of a group. */
  int groupStart(int group) {
    return group == 0 ? 0 : groupEnds[group - 1];
  }

  /** Column after the last one of a group. */
  int groupEnd(int group) {
    return groupEnds[group];
  }

  /** First step of a group. */
  int groupStep(int group) {
    return group == 0 ? 0 : stepEnds[group - 1];
  }

  /** Step after the last one of a group. */
  int groupStepEnd(int group) {
    return stepEnds[group];
  }

  /** The line of a group's first step; those of the next ones follow. */
  int line(int group) {
    return groupStart(group) / layout.perLine();
  }

  /** Places of all steps' columns. */
  int places() {
    return steps * layout.perLine();
  }

  /** The place of a group's first column among those of all steps. */
  int place(int group) {
    return groupStep(group) * layout.perLine() + groupStart(group) % layout.perLine();
  }

  private int maxDistance(CodeClass source) {
    int[] zeros = new int[Math.toIntExact(source.zeros().size())];
    source.zeros().readInts(0, 0, zeros, zeros.length);
    int largest = 0;
    for (int zero : zeros) {
      largest = Math.max(largest, Math.max(Math.abs(zero), Math.abs(layout.maxCode() - zero)));
    }
    return largest;
  }
}
