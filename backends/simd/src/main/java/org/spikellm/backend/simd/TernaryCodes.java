package org.spikellm.backend.simd;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.CodeClass;
import org.spikellm.api.DType;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Tensor;

/**
 * A weight all of whose classes are spike trains, as indices of {@link TernaryTables}, interleaved so that the lanes of a vector are
 * rows. A *step* is an index of each row, in a byte. Steps follow each other class by class, group by group; a group starts at a new
 * step. A *piece* is some groups whose tables leave room in the first cache; a block is {@link #ROWS} consecutive rows.
 *
 * <pre>
 *   [slices][pieces][blocks of the slice][groups of the piece] of
 *       steps    [steps][ROWS]   byte 4i + (0, 2, 1, 3)[t] of 64 has row i + 16t
 *       scales   [ROWS]          F16, row i + 16t of 32 at 2i + t; or F32, row after row
 * </pre>
 *
 * What one thread reads for a token is one stretch of memory, without a gap: a slice, where inputs are encoded and the sums of a row one
 * chain, or a half of the pieces of the only slice, that takes as long as the other or nearly, so that each table is made once. With several
 * streams side by side, a gap every few KB, or tables that come from the second cache, the CPU does not fetch ahead far enough to compute
 * meanwhile.
 *
 * <p>Behind it all is room for the step that is read ahead. Where a block has no row, its bytes are 0, of which nothing is kept. Where an
 * index has no column, its table has sums of 0.
 */
final class TernaryCodes {

  static final int SLOTS = TrainDigits.SLOTS;

  /** Rows of a block: bytes of two vectors. */
  static final int ROWS = 2 * Lanes.BYTES;

  /** Steps whose sums of bytes fit 16 bits. */
  static final int PART_STEPS = 255;

  /** Steps of a group at most: as many sums of 16 bits fit 32. */
  private static final int MOST_STEPS = 1 << Short.SIZE - 1;

  /** Steps of a piece, where no group is longer: their tables take 6 KB. With 13 KB decoding takes half as long again. */
  private static final int PIECE_STEPS = 24;

  /** Steps that take as long as the sums of a group times their scale, but for reading these. */
  private static final int GROUP_STEPS = 6;

  /** Blocks of a slice at least. A thread looks up in about three while it makes the tables of a layer. */
  static final int MIN_BLOCKS = 4;

  final int rows;
  final int columns;
  final int steps;
  /** Groups of all classes. */
  final int groups;
  /** Step after the last one of each group, and once more the last of them. */
  final int[] stepEnds;
  final TrainDigits[] digits;
  final TableFactors[] factors;
  /** First group of each class, and the number of groups. */
  final int[] classGroups;
  /** First group of each piece, and the number of groups. */
  final int[] pieceGroups;
  final int longestPiece;
  /** Where in channel order the column of each slot stands, [steps][SLOTS]; {@link #columns} where there is none. */
  final char[] places;
  /** Which channel that is, or {@link #columns}. */
  final char[] channels;
  /** What its activation is multiplied with. */
  final float[] weights;
  /** The largest digit that the product is multiplied with. */
  final float[] most;
  final boolean halfScales;
  /** Whether a group's bytes always add up to 16 bits. */
  final boolean shortGroups;
  final MemorySegment memory;
  /** First piece of the second half. */
  final int half;
  /** First block of each slice, and the number of blocks. */
  private final int[] slices;
  /** The slice of each block. */
  private final int[] sliceOf;
  /** Bytes of a block before each piece, and in all. */
  private final int[] pieceBytes;

  private TernaryCodes(QuantizedWeight source, SimdSession session, int parts) {
    rows = source.rows();
    columns = source.columns();
    List<CodeClass> classes = source.classes();
    digits = classes.stream().map(c -> TrainDigits.of(c.zero(0, 0))).toArray(TrainDigits[]::new);
    factors = Arrays.stream(digits).map(TableFactors::of).toArray(TableFactors[]::new);
    classGroups = new int[digits.length + 1];
    for (int c = 0; c < digits.length; c++) {
      classGroups[c + 1] = classGroups[c] + classes.get(c).groups();
    }
    groups = classGroups[digits.length];
    stepEnds = new int[groups + 1];
    int end = 0;
    for (int c = 0; c < digits.length; c++) {
      CodeClass trains = classes.get(c);
      for (int g = 0; g < trains.groups(); g++) {
        end += steps(trains, g, digits[c]);
        stepEnds[classGroups[c] + g] = end;
      }
    }
    stepEnds[groups] = end;
    steps = end;
    shortGroups = IntStream.range(0, groups).allMatch(g -> stepEnds[g] - groupStep(g) <= PART_STEPS);
    pieceGroups = cut();
    longestPiece = IntStream.range(0, pieces()).map(this::steps).max().orElse(0);
    places = new char[steps * SLOTS];
    channels = new char[steps * SLOTS];
    weights = new float[steps * SLOTS];
    most = new float[steps * SLOTS];
    slots(source.order(), classes);
    halfScales = classes.stream().allMatch(c -> c.scales().dtype() == DType.F16);
    pieceBytes = IntStream.rangeClosed(0, pieces())
        .map(p -> (groupStep(pieceGroups[p]) + pieceGroups[p] * scaleBytes()) * ROWS).toArray();
    slices = Slices.cut(blocks(), MIN_BLOCKS, parts);
    sliceOf = new int[blocks()];
    for (int s = 0; s < slices.length - 1; s++) {
      Arrays.fill(sliceOf, slices[s], slices[s + 1], s);
    }
    half = half();
    memory = session.weights().allocate((long) pieceBytes[pieces()] * blocks() + 2 * Lanes.BYTES, Lanes.BYTES);
  }

  /** The piece that begins where half of the time for them all has passed, or nearly. */
  private int half() {
    int[] until = IntStream.rangeClosed(0, pieces()).map(p -> pieceBytes[p] + pieceGroups[p] * GROUP_STEPS * ROWS).toArray();
    return (int) IntStream.rangeClosed(1, pieces()).filter(p -> until[p - 1] + until[p] <= until[pieces()]).count();
  }

  /** Whether there is such a form of {@code weight}, and kernels for it on this CPU. */
  static boolean suit(QuantizedWeight weight) {
    return Lanes.PICKS_BYTES && weight.columns() > 0 && weight.columns() <= Character.MAX_VALUE
        && weight.classes().stream().allMatch(c -> c.timeSteps() > 0
        && IntStream.range(0, c.groups()).allMatch(g -> steps(c, g, TrainDigits.of(c.zero(0, 0))) <= MOST_STEPS));
  }

  private static int steps(CodeClass trains, int group, TrainDigits digits) {
    return Lanes.ceilDiv((trains.groupEnd(group) - trains.groupStart(group)) * digits.perCount(), digits.perIndex());
  }

  /** Repacks a weight, in up to so many slices; nothing of {@code source} is kept. */
  static TernaryCodes of(QuantizedWeight source, SimdSession session, int slices) {
    TernaryCodes packed = new TernaryCodes(source, session, slices);
    TernaryPacking packing = new TernaryPacking(source, packed, session.workers().threads());
    session.workers().forEach(packed.blocks(), packing::pack);
    return packed;
  }

  int classes() {
    return digits.length;
  }

  /** The class of a group. */
  int classOf(int group) {
    int c = 0;
    while (group >= classGroups[c + 1]) {
      c++;
    }
    return c;
  }

  int pieces() {
    return pieceGroups.length - 1;
  }

  int blocks() {
    return Lanes.ceilDiv(rows, ROWS);
  }

  /** First step of a group. */
  int groupStep(int group) {
    return group == 0 ? 0 : stepEnds[group - 1];
  }

  /** Groups of a piece. */
  int groups(int piece) {
    return pieceGroups[piece + 1] - pieceGroups[piece];
  }

  /** Steps of a piece. */
  int steps(int piece) {
    return groupStep(pieceGroups[piece + 1]) - groupStep(pieceGroups[piece]);
  }

  /** Byte of {@link #memory} at which a block of a piece begins. */
  long block(int piece, int block) {
    int first = slices[sliceOf[block]];
    int end = slices[sliceOf[block] + 1];
    return (long) first * pieceBytes[pieces()] + (long) (end - first) * pieceBytes[piece]
        + (long) (block - first) * (pieceBytes[piece + 1] - pieceBytes[piece]);
  }

  /** The block after the last one of a block's slice: up to it a piece's blocks lie one behind the other. */
  int sliceEnd(int block) {
    return slices[sliceOf[block] + 1];
  }

  /** Bytes of a block of a piece before a group's steps. */
  int group(int piece, int group) {
    return (groupStep(group) - groupStep(pieceGroups[piece]) + (group - pieceGroups[piece]) * scaleBytes()) * ROWS;
  }

  /** Bytes of a block of a piece before a group's scales. */
  int scales(int piece, int group) {
    return group(piece, group) + (stepEnds[group] - groupStep(group)) * ROWS;
  }

  int scaleBytes() {
    return halfScales ? Short.BYTES : Float.BYTES;
  }

  /** Byte of a step that has the index of row {@code row} of a block. */
  static int place(int row) {
    int quarter = row % Lanes.BYTES / Lanes.COUNT;
    return row / Lanes.BYTES * Lanes.BYTES + row % Lanes.COUNT * 4 + quarter % 2 * 2 + quarter / 2;
  }

  private int[] cut() {
    IntStream.Builder firsts = IntStream.builder().add(0);
    for (int g = 1, first = 0; g <= groups; g++) {
      if (g == groups || stepEnds[g] - groupStep(first) > PIECE_STEPS) {
        firsts.add(g);
        first = g;
      }
    }
    return firsts.build().toArray();
  }

  private void slots(ChannelOrder order, List<CodeClass> classes) {
    Arrays.fill(places, (char) columns);
    Arrays.fill(channels, (char) columns);
    for (int c = 0; c < classes.size(); c++) {
      TrainDigits form = digits[c];
      for (int g = 0; g < classes.get(c).groups(); g++) {
        int count = (classes.get(c).groupEnd(g) - classes.get(c).groupStart(g)) * form.perCount();
        int first = order.start(c) + classes.get(c).groupStart(g);
        int at = groupStep(classGroups[c] + g) * SLOTS;
        for (int d = 0; d < count; d++) {
          int slot = at + d / form.perIndex() * SLOTS + d % form.perIndex();
          places[slot] = (char) (first + d / form.perCount());
          channels[slot] = (char) order.order()[places[slot]];
          weights[slot] = form.weights()[d % form.perCount()];
          most[slot] = form.most(d % form.perCount());
        }
      }
    }
  }
}
