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
 * rows. A *step* is three indices of each row: bits 0..4, 5..9 and 10..14 of 16 bits. Steps follow each other class by class, group by
 * group; a group starts at a new step. A *piece* is some groups whose tables fit the first cache; a block is {@link #ROWS} consecutive
 * rows, two *halves* of {@link Lanes#BLOCK}.
 *
 * <pre>
 *   [pieces][blocks] of  steps    [steps][2][LANES]    lane i has row i of the half in its lower 16 bits, row i + LANES in its upper ones
 *   [pieces][blocks] of  scales   [groups][2][LANES]   F16, as the steps; or [groups][2][BLOCK] F32
 * </pre>
 *
 * All steps that a token reads are one stretch of memory, without a gap. With several streams side by side, a gap every few KB, or tables
 * that come from the second cache, the CPU does not fetch ahead far enough to compute meanwhile.
 *
 * <p>Where an index has no row or column, its bits are 0: of rows nothing is kept, and of columns the table has sums of 0.
 */
final class TernaryCodes {

  /** Indices of a step. */
  static final int LOOKUPS = 3;

  /** Digits of a step's indices. */
  static final int SLOTS = LOOKUPS * TrainDigits.SLOTS;

  static final int INDEX_BITS = 5;

  /** Rows of a block. */
  static final int ROWS = 2 * Lanes.BLOCK;

  /** Steps of a piece, where no group is longer: their tables of floats take 9 KB. */
  private static final int PIECE_STEPS = 24;

  /** Bytes of a step, or of a group's F16 scales, of a block. */
  private static final int STEP_BYTES = 2 * Lanes.BYTES;

  /** 16 lanes are what a table of 32 sums in two vectors needs. */
  private static final boolean WIDE_ENOUGH = Lanes.COUNT == TrainDigits.ENTRIES / 2;

  final int rows;
  final int columns;
  final int steps;
  /** Groups of all classes. */
  final int groups;
  /** Step after the last one of each group, and once more the last of them. */
  final int[] stepEnds;
  final TrainDigits[] digits;
  final TernaryTables.Factors[] factors;
  /** First group of each class, and the number of groups. */
  final int[] classGroups;
  /** First group of each piece, and the number of groups. */
  final int[] pieceGroups;
  /** The most columns of a group of each class. */
  final int[] widest;
  /** Where in channel order the column of each slot stands, [steps][SLOTS]; {@link #columns} where there is none. */
  final int[] places;
  /** What its activation is multiplied with. */
  final byte[] weights;
  final boolean halfScales;
  final MemorySegment memory;

  private TernaryCodes(QuantizedWeight source, WeightMemory free) {
    rows = source.rows();
    columns = source.columns();
    List<CodeClass> classes = source.classes();
    digits = new TrainDigits[classes.size()];
    classGroups = new int[classes.size() + 1];
    widest = new int[classes.size()];
    for (int c = 0; c < digits.length; c++) {
      digits[c] = TrainDigits.of(classes.get(c).zero(0, 0));
      classGroups[c + 1] = classGroups[c] + classes.get(c).groups();
    }
    factors = Arrays.stream(digits).map(TernaryTables.Factors::of).toArray(TernaryTables.Factors[]::new);
    groups = classGroups[digits.length];
    stepEnds = new int[groups + 1];
    int end = 0;
    for (int c = 0; c < digits.length; c++) {
      CodeClass trains = classes.get(c);
      for (int g = 0; g < trains.groups(); g++) {
        int width = trains.groupEnd(g) - trains.groupStart(g);
        end += Lanes.ceilDiv(width * digits[c].perCount(), LOOKUPS * digits[c].perIndex());
        stepEnds[classGroups[c] + g] = end;
        widest[c] = Math.max(widest[c], width);
      }
    }
    stepEnds[groups] = end;
    steps = end;
    pieceGroups = cut();
    places = new int[steps * SLOTS];
    weights = new byte[steps * SLOTS];
    slots(source.order(), classes);
    halfScales = classes.stream().allMatch(c -> c.scales().dtype() == DType.F16);
    memory = free.allocate(Math.max(1, (steps + scaleSteps(groups)) * STEP_BYTES * blocks()), 64);
  }

  /** Whether there is such a form of {@code weight}, and kernels for it on this CPU. */
  static boolean suit(QuantizedWeight weight) {
    return WIDE_ENOUGH && weight.columns() > 0 && weight.classes().stream().allMatch(c -> c.timeSteps() > 0);
  }

  /** Repacks a weight; nothing of {@code source} is kept. */
  static TernaryCodes of(QuantizedWeight source, WeightMemory free, Workers workers) {
    TernaryCodes packed = new TernaryCodes(source, free);
    workers.forEach(packed.blocks(), (block, worker) -> packed.pack(source, block));
    return packed;
  }

  int classes() {
    return digits.length;
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

  /** Steps of a piece. */
  int pieceSteps(int piece) {
    return groupStep(pieceGroups[piece + 1]) - groupStep(pieceGroups[piece]);
  }

  /** Byte of {@link #memory} at which the steps of a block of a piece begin. */
  long block(int piece, int block) {
    return ((long) groupStep(pieceGroups[piece]) * blocks() + (long) pieceSteps(piece) * block) * STEP_BYTES;
  }

  /** Byte of {@link #memory} at which the scales of a block of a piece begin. */
  long scales(int piece, int block) {
    int groupsOfPiece = pieceGroups[piece + 1] - pieceGroups[piece];
    return ((steps + scaleSteps(pieceGroups[piece])) * blocks() + scaleSteps(groupsOfPiece) * block) * STEP_BYTES;
  }

  /** Steps that take as much memory as the scales of {@code groups} groups. */
  private long scaleSteps(int groups) {
    return (long) groups * (halfScales ? 1 : 2);
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
    Arrays.fill(places, columns);
    for (int c = 0; c < classes.size(); c++) {
      TrainDigits form = digits[c];
      for (int g = 0; g < classes.get(c).groups(); g++) {
        int count = (classes.get(c).groupEnd(g) - classes.get(c).groupStart(g)) * form.perCount();
        int first = order.start(c) + classes.get(c).groupStart(g);
        int at = groupStep(classGroups[c] + g) * SLOTS;
        for (int d = 0; d < count; d++) {
          int slot = at + d / form.perIndex() * TrainDigits.SLOTS + d % form.perIndex();
          places[slot] = first + d / form.perCount();
          weights[slot] = (byte) form.weights()[d % form.perCount()];
        }
      }
    }
  }

  private void pack(QuantizedWeight source, int block) {
    int first = block * ROWS;
    int count = Math.min(ROWS, rows - first);
    int[] lanes = new int[steps * 2 * Lanes.COUNT];
    for (int c = 0; c < classes(); c++) {
      TrainRow row = new TrainRow(source.classes().get(c), digits[c]);
      for (int lane = 0; lane < count; lane++) {
        row.read(first + lane);
        int at = lane / Lanes.BLOCK * Lanes.COUNT + lane % Lanes.COUNT;
        int shift = lane % Lanes.BLOCK < Lanes.COUNT ? 0 : Short.SIZE;
        for (int g = classGroups[c]; g < classGroups[c + 1]; g++) {
          row.startGroup(g - classGroups[c]);
          for (int s = groupStep(g); s < stepEnds[g]; s++) {
            lanes[s * 2 * Lanes.COUNT + at] |= row.step() << shift;
          }
        }
      }
    }
    for (int piece = 0; piece < pieces(); piece++) {
      MemorySegment.copy(lanes, groupStep(pieceGroups[piece]) * 2 * Lanes.COUNT, memory, Tensor.INT, block(piece, block),
          pieceSteps(piece) * 2 * Lanes.COUNT);
      for (int g = pieceGroups[piece], c = 0; g < pieceGroups[piece + 1]; g++) {
        while (g >= classGroups[c + 1]) {
          c++;
        }
        Tensor scales = source.classes().get(c).scales();
        for (int lane = 0; lane < count; lane++) {
          setScale(scales(piece, block), g - pieceGroups[piece], lane, scales, first + lane, g - classGroups[c]);
        }
      }
    }
  }

  private void setScale(long scales, int group, int lane, Tensor source, int row, int column) {
    int half = lane / Lanes.BLOCK;
    int inHalf = lane % Lanes.BLOCK;
    if (halfScales) {
      long at = scales + (2L * group + half) * Lanes.BYTES + inHalf % Lanes.COUNT * 4L + (inHalf < Lanes.COUNT ? 0 : 2);
      memory.set(Tensor.SHORT, at, source.segment().get(Tensor.SHORT, row * source.rowBytes() + 2L * column));
    } else {
      memory.set(Tensor.FLOAT, scales + ((2L * group + half) * Lanes.BLOCK + inHalf) * Float.BYTES, source.getFloat(row, column));
    }
  }

  /** Reads a row's codes of one class step by step. */
  private static final class TrainRow {

    private final CodeClass source;
    private final byte[] bytes;
    /** Digits of each code, [codes][perCount]. */
    private final byte[] digitOf;
    private final int perCount;
    private final int perIndex;
    private final int base;
    /** The digits of the row, one group after another. */
    private final byte[] row;
    private int next;
    private int end;

    TrainRow(CodeClass source, TrainDigits form) {
      this.source = source;
      perCount = form.perCount();
      perIndex = form.perIndex();
      base = form.base();
      bytes = new byte[source.codes().columns() + 1];
      digitOf = new byte[perCount << source.bits()];
      for (int code = 0; code <= 2 * form.most(); code++) {
        for (int i = 0; i < perCount; i++) {
          digitOf[code * perCount + i] = (byte) form.digit(code - form.most(), i);
        }
      }
      row = new byte[source.columns() * perCount];
    }

    void read(int index) {
      Tensor codes = source.codes();
      MemorySegment.copy(codes.segment(), Tensor.BYTE, index * codes.rowBytes(), bytes, 0, codes.columns());
      int bits = source.bits();
      int mask = (1 << bits) - 1;
      for (int j = 0, at = 0; j < source.columns(); j++) {
        int bit = j * bits;
        int both = bytes[bit >>> 3] & 0xff | (bytes[(bit >>> 3) + 1] & 0xff) << 8;
        int code = (both >>> (bit & 7) & mask) * perCount;
        for (int i = 0; i < perCount; i++) {
          row[at++] = digitOf[code + i];
        }
      }
    }

    void startGroup(int group) {
      next = source.groupStart(group) * perCount;
      end = source.groupEnd(group) * perCount;
    }

    /** The three indices of the group's next step. */
    int step() {
      int bits = 0;
      for (int lookup = 0; lookup < LOOKUPS; lookup++) {
        int index = 0;
        for (int i = 0, place = 1; i < perIndex && next < end; i++, place *= base) {
          index += row[next++] * place;
        }
        bits |= index << lookup * INDEX_BITS;
      }
      return bits;
    }
  }
}
