package org.spikellm.backend.simd;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.CodeClass;
import org.spikellm.api.DType;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Tensor;

/**
 * A weight all of whose classes are spike trains, as indices of {@link TernaryTables}, interleaved so that the lanes of a vector are
 * rows. A block is {@link Lanes#BLOCK} consecutive rows, a *step* three indices of each: bits 0..4, 5..9 and 10..14 of 16 bits. Steps
 * follow each other class by class, group by group; a group starts at a new step.
 *
 * <pre>
 *   [blocks] of  steps    [steps][LANES]    lane i has row i in its lower half, row i + LANES in its upper half
 *                scales   [groups][LANES]   F16, as the steps; or [groups][BLOCK] F32
 * </pre>
 *
 * Where an index has no row or column, its bits are 0: of rows nothing is kept, and of columns the table has sums of 0.
 */
final class TernaryCodes {

  /** Indices of a step. */
  static final int LOOKUPS = 3;

  /** Digits of a step's indices. */
  static final int SLOTS = LOOKUPS * TrainDigits.SLOTS;

  private static final int INDEX_BITS = 5;

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
  /** First group of each class, and the number of groups. */
  final int[] classGroups;
  /** The most columns of a group of each class. */
  final int[] widest;
  /** Where in channel order the column of each slot stands, [steps][SLOTS]; {@link #columns} where there is none. */
  final int[] places;
  /** What its activation is multiplied with. */
  final byte[] weights;
  final boolean halfScales;
  final MemorySegment memory;

  private TernaryCodes(QuantizedWeight source, Arena arena) {
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
    places = new int[steps * SLOTS];
    weights = new byte[steps * SLOTS];
    slots(source.order(), classes);
    halfScales = classes.stream().allMatch(c -> c.scales().dtype() == DType.F16);
    memory = arena.allocate(Math.max(1, blocks() * blockBytes()), 64);
  }

  /** Whether there is such a form of {@code weight}, and kernels for it on this CPU. */
  static boolean suit(QuantizedWeight weight) {
    return WIDE_ENOUGH && weight.columns() > 0 && weight.classes().stream().allMatch(c -> c.timeSteps() > 0);
  }

  /** Repacks a weight; nothing of {@code source} is kept. */
  static TernaryCodes of(QuantizedWeight source, Arena arena, Workers workers) {
    TernaryCodes packed = new TernaryCodes(source, arena);
    workers.forEach(packed.blocks(), (block, worker) -> packed.pack(source, block));
    return packed;
  }

  int classes() {
    return digits.length;
  }

  int blocks() {
    return Lanes.ceilDiv(rows, Lanes.BLOCK);
  }

  /** First step of a group. */
  int groupStep(int group) {
    return group == 0 ? 0 : stepEnds[group - 1];
  }

  /** Bytes from block to block. */
  long blockBytes() {
    return stepBytes() + (long) groups * (halfScales ? 1 : 2) * Lanes.BYTES;
  }

  private long stepBytes() {
    return (long) steps * Lanes.BYTES;
  }

  /** Byte of {@link #memory} at which the scales of a block begin. */
  long scales(int block) {
    return block * blockBytes() + stepBytes();
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
    int first = block * Lanes.BLOCK;
    int count = Math.min(Lanes.BLOCK, rows - first);
    int[] lanes = new int[steps * Lanes.COUNT];
    for (int c = 0; c < classes(); c++) {
      TrainRow row = new TrainRow(source.classes().get(c), digits[c]);
      for (int lane = 0; lane < count; lane++) {
        row.read(first + lane);
        int shift = lane < Lanes.COUNT ? 0 : Short.SIZE;
        for (int g = classGroups[c]; g < classGroups[c + 1]; g++) {
          row.startGroup(g - classGroups[c]);
          for (int s = groupStep(g); s < stepEnds[g]; s++) {
            lanes[s * Lanes.COUNT + lane % Lanes.COUNT] |= row.step() << shift;
          }
        }
      }
    }
    MemorySegment.copy(lanes, 0, memory, Tensor.INT, block * blockBytes(), lanes.length);
    for (int c = 0; c < classes(); c++) {
      Tensor scales = source.classes().get(c).scales();
      for (int lane = 0; lane < count; lane++) {
        for (int g = classGroups[c]; g < classGroups[c + 1]; g++) {
          setScale(block, g, lane, scales, first + lane, g - classGroups[c]);
        }
      }
    }
  }

  private void setScale(int block, int group, int lane, Tensor scales, int row, int column) {
    if (halfScales) {
      short half = scales.segment().get(Tensor.SHORT, row * scales.rowBytes() + 2L * column);
      long at = scales(block) + (long) group * Lanes.BYTES + lane % Lanes.COUNT * 4L + (lane < Lanes.COUNT ? 0 : 2);
      memory.set(Tensor.SHORT, at, half);
    } else {
      memory.set(Tensor.FLOAT, scales(block) + group * 2L * Lanes.BYTES + lane * 4L, scales.getFloat(row, column));
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
