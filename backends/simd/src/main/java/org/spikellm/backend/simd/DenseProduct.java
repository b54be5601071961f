package org.spikellm.backend.simd;

import java.lang.foreign.MemorySegment;
import org.spikellm.api.DType;
import org.spikellm.api.Tensor;

/**
 * {@code out = a · bᵀ} in float. Many rows of a: depth in stretches of {@link DenseTile#DEPTH}, a packed once a stretch for all
 * workers, b packed by the worker that multiplies it. Few rows: {@link DenseDots}.
 */
final class DenseProduct {

  /** Up to this many rows of a, reading b once as it lies beats packing it. */
  private static final int FEW_ROWS = 3;

  /** Rows of b a worker packs at a time: four panels, which stay in the second cache. */
  private static final int PACKED_ROWS = 4 * Lanes.BLOCK;

  /** Rows of a between two passes over those panels. */
  private static final int BLOCK_ROWS = 16 * DenseTile.ROWS;

  private DenseProduct() {}

  static void matmul(Tensor a, Tensor b, Tensor out, SimdSession session) {
    if (a.rows() == 0 || b.rows() == 0) {
      return;
    }
    if (a.columns() == 0) {
      out.clear();
    } else if (a.rows() <= FEW_ROWS) {
      DenseDots.matmul(a, b, out, session);
    } else {
      for (int from = 0; from < a.columns(); from += DenseTile.DEPTH) {
        stretch(a, b, out, from, Math.min(DenseTile.DEPTH, a.columns() - from), session);
      }
    }
  }

  private static void stretch(Tensor a, Tensor b, Tensor out, int from, int depth, SimdSession session) {
    int panels = Lanes.ceilDiv(a.rows(), DenseTile.ROWS);
    float[] left = session.shared(panels * depth * DenseTile.ROWS);
    int grain = session.grain(panels, (long) depth * DenseTile.ROWS);
    boolean plain = session.plain(b.dtype());
    session.workers().forEach(Lanes.ceilDiv(panels, grain), (slice, worker) -> {
      float[] row = session.scratch(worker).d(depth);
      for (int panel = slice * grain; panel < Math.min(panels, (slice + 1) * grain); panel++) {
        packPanel(a, panel * DenseTile.ROWS, DenseTile.ROWS, from, depth, row, left, panel * depth * DenseTile.ROWS, plain);
      }
    });
    session.workers().forEach(Lanes.ceilDiv(b.rows(), PACKED_ROWS), (slice, worker) -> {
      Scratch scratch = session.scratch(worker);
      int first = slice * PACKED_ROWS;
      int rows = Math.min(PACKED_ROWS, b.rows() - first);
      float[] right = scratch.b(PACKED_ROWS * depth);
      float[] row = scratch.d(depth);
      for (int j = 0; j < rows; j += Lanes.BLOCK) {
        packPanel(b, first + j, Lanes.BLOCK, from, depth, row, right, j * depth, plain);
      }
      float[] tile = scratch.c(DenseTile.ROWS * Lanes.BLOCK);
      for (int i = 0; i < a.rows(); i += BLOCK_ROWS) {
        multiply(left, i, Math.min(a.rows(), i + BLOCK_ROWS), right, first, rows, depth, tile, out, from > 0, plain);
      }
    });
  }

  private static void multiply(float[] left, int i, int end, float[] right, int first, int rows, int depth, float[] tile,
      Tensor out, boolean add, boolean plain) {
    for (int j = 0; j < rows; j += Lanes.BLOCK) {
      for (int r = i; r < end; r += DenseTile.ROWS) {
        int tileRows = Math.min(DenseTile.ROWS, end - r);
        int columns = Math.min(Lanes.BLOCK, rows - j);
        long at = ((long) r * out.columns() + first + j) * Float.BYTES;
        if (plain) {
          PlainFloats.multiply(left, r * depth, right, j * depth, depth, tile, tileRows, columns, out.segment(), at, out.rowBytes(), add);
        } else {
          DenseTile.multiply(left, r * depth, right, j * depth, depth, tile, tileRows, columns, out.segment(), at, out.rowBytes(), add);
        }
      }
    }
  }

  /** Interleaves {@code width} rows of x, zeros past its last one: panel [depth][width]. */
  private static void packPanel(Tensor x, int first, int width, int from, int depth, float[] row, float[] panel, int at,
      boolean plain) {
    for (int r = 0; r < width; r++) {
      if (first + r < x.rows()) {
        read(x, first + r, from, depth, row, plain);
        interleave(row, depth, panel, at + r, width);
      } else {
        for (int k = 0; k < depth; k++) {
          panel[at + k * width + r] = 0;
        }
      }
    }
  }

  private static void interleave(float[] row, int depth, float[] panel, int at, int width) {
    for (int k = 0; k < depth; k++) {
      panel[at + k * width] = row[k];
    }
  }

  /** Columns {@code from..from + depth − 1} of a row, as floats. */
  static void read(Tensor x, int row, int from, int depth, float[] target, boolean plain) {
    MemorySegment segment = x.segment();
    long at = row * x.rowBytes() + (long) from * x.dtype().bytes();
    if (x.dtype() == DType.F32) {
      MemorySegment.copy(segment, Tensor.FLOAT, at, target, 0, depth);
    } else if (plain) {
      PlainFloats.readHalves(segment, x.dtype() == DType.F16, at, depth, target);
    } else if (x.dtype() == DType.F16) {
      HalfLanes.readF16(segment, at, depth, target);
    } else {
      HalfLanes.readBf16(segment, at, depth, target);
    }
  }
}
