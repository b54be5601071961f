package org.spikellm.backend.simd;

import java.lang.foreign.MemorySegment;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Tensor;

/** Writes {@link TernaryCodes} out of a weight, block by block; every worker has memory of its own. */
final class TernaryPacking {

  private static final int ROWS = TernaryCodes.ROWS;

  private final QuantizedWeight source;
  private final TernaryCodes packed;
  /** [workers][classes] */
  private final TrainIndices[][] indices;
  /** A piece of a block, of each worker. */
  private final byte[][] pieces;
  private final int[] places = new int[ROWS];

  TernaryPacking(QuantizedWeight source, TernaryCodes packed, int workers) {
    this.source = source;
    this.packed = packed;
    indices = new TrainIndices[workers][];
    pieces = new byte[workers][];
    for (int row = 0; row < ROWS; row++) {
      places[row] = TernaryCodes.place(row);
    }
  }

  void pack(int block, int worker) {
    if (indices[worker] == null) {
      allocate(worker);
    }
    int first = block * ROWS;
    int rows = Math.min(ROWS, packed.rows - first);
    for (TrainIndices ofClass : indices[worker]) {
      ofClass.read(first, rows);
    }
    for (int piece = 0; piece < packed.pieces(); piece++) {
      for (int group = packed.pieceGroups[piece]; group < packed.pieceGroups[piece + 1]; group++) {
        int steps = packed.stepEnds[group] - packed.groupStep(group);
        group(group, steps, rows, indices[worker], pieces[worker]);
        MemorySegment.copy(pieces[worker], 0, packed.memory, Tensor.BYTE, packed.block(piece, block) + packed.group(piece, group),
            steps * ROWS);
        scales(packed.block(piece, block) + packed.scales(piece, group), group, first, rows);
      }
    }
  }

  private void allocate(int worker) {
    TrainIndices[] ofClasses = new TrainIndices[packed.classes()];
    for (int c = 0; c < ofClasses.length; c++) {
      ofClasses[c] = new TrainIndices(source.classes().get(c), packed.digits[c], ROWS);
    }
    pieces[worker] = new byte[packed.longestPiece * ROWS];
    indices[worker] = ofClasses;
  }

  private void group(int group, int steps, int rows, TrainIndices[] ofClasses, byte[] target) {
    int c = packed.classOf(group);
    for (int row = 0; row < rows; row++) {
      ofClasses[c].write(row, group - packed.classGroups[c], steps, target, places[row], ROWS);
    }
  }

  private void scales(long at, int group, int first, int rows) {
    int c = packed.classOf(group);
    Tensor scales = source.classes().get(c).scales();
    int column = group - packed.classGroups[c];
    for (int row = 0; row < rows; row++) {
      if (packed.halfScales) {
        int place = row / Lanes.BLOCK * Lanes.BLOCK + row % Lanes.COUNT * 2 + row % Lanes.BLOCK / Lanes.COUNT;
        packed.memory.set(Tensor.SHORT, at + 2L * place,
            scales.segment().get(Tensor.SHORT, (first + row) * scales.rowBytes() + 2L * column));
      } else {
        packed.memory.set(Tensor.FLOAT, at + 4L * row, scales.getFloat(first + row, column));
      }
    }
  }
}
