package org.spikellm.backend.simd;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import org.spikellm.api.DType;
import org.spikellm.api.Tensor;

/** Products of a few rows of a with every row of b, which is read once and not packed: one token's linear layer in float. */
final class DenseDots {

  private static final int LANES = Lanes.COUNT;

  private DenseDots() {}

  static void matmul(Tensor a, Tensor b, Tensor out, SimdSession session) {
    int depth = a.columns();
    float[] left = session.shared(a.rows() * depth);
    MemorySegment.copy(a.segment(), Tensor.FLOAT, 0, left, 0, a.rows() * depth);
    if (b.dtype() == DType.F16) {
      HalfDots.scale(left, a.rows() * depth);
    }
    if (b.dtype() != DType.F32) {
      float[] scratch = session.scratch(0).c(2 * LANES);
      for (int i = 0; i < a.rows(); i++) {
        HalfDots.order(left, i * depth, depth, scratch);
      }
    }
    boolean plain = session.plain(b.dtype());
    int[] slices = session.longSlices(b.rows());
    session.workers().forEach(slices.length / 2, (slice, worker) -> {
      int from = slices[2 * slice];
      int rows = slices[2 * slice + 1] - from;
      float[] part = session.scratch(worker).c(HalfDots.ROWS * LANES);
      MemorySegment weights = b.segment().asSlice(from * b.rowBytes(), rows * b.rowBytes());
      for (int i = 0; i < a.rows(); i++) {
        MemorySegment to = out.segment().asSlice(((long) i * b.rows() + from) * Float.BYTES, rows * 4L);
        if (b.dtype() == DType.F32) {
          floats(weights, rows, left, i * depth, depth, part, to, plain);
        } else {
          halves(weights, b.dtype(), rows, left, i * depth, depth, part, to, plain);
        }
      }
    });
  }

  private static void floats(MemorySegment b, int rows, float[] a, int at, int depth, float[] part, MemorySegment out, boolean plain) {
    for (int j = 0; j < rows; j++) {
      out.set(Tensor.FLOAT, 4L * j, plain ? PlainFloats.dot(b, 4L * j * depth, a, at, depth, part)
          : dot(b.asSlice(4L * j * depth, 4L * depth), a, at, depth, part));
    }
  }

  /** Rows a quarter of all apart go together: long streams out of memory. */
  private static void halves(MemorySegment b, DType type, int rows, float[] a, int at, int depth, float[] part,
      MemorySegment out, boolean plain) {
    int quarter = rows / HalfDots.ROWS;
    for (int j = 0; j < quarter; j++) {
      quad(b, type, 2L * j * depth, 2L * quarter * depth, a, at, depth, part, plain);
      for (int r = 0; r < HalfDots.ROWS; r++) {
        out.set(Tensor.FLOAT, 4L * (j + r * quarter), part[r]);
      }
    }
    for (int j = HalfDots.ROWS * quarter; j < rows; j++) {
      quad(b, type, 2L * j * depth, 0, a, at, depth, part, plain);
      out.set(Tensor.FLOAT, 4L * j, part[0]);
    }
  }

  private static void quad(MemorySegment b, DType type, long row, long stride, float[] a, int at, int depth, float[] part,
      boolean plain) {
    if (plain && type == DType.F16) {
      HalfDots.plainF16(b, row, stride, a, at, depth, part);
    } else if (plain) {
      HalfDots.plainBf16(b, row, stride, a, at, depth, part);
    } else if (type == DType.F16) {
      HalfDots.f16(b, row, stride, a, at, depth, part);
    } else {
      HalfDots.bf16(b, row, stride, a, at, depth, part);
    }
  }

  private static float dot(MemorySegment b, float[] a, int at, int length, float[] part) {
    FloatVector s0 = FloatVector.zero(Lanes.FLOATS);
    FloatVector s1 = FloatVector.zero(Lanes.FLOATS);
    FloatVector s2 = FloatVector.zero(Lanes.FLOATS);
    FloatVector s3 = FloatVector.zero(Lanes.FLOATS);
    int k = 0;
    for (; k <= length - 4 * LANES; k += 4 * LANES) {
      s0 = DenseTile.fma(right(b, k), left(a, at + k), s0);
      s1 = DenseTile.fma(right(b, k + LANES), left(a, at + k + LANES), s1);
      s2 = DenseTile.fma(right(b, k + 2 * LANES), left(a, at + k + 2 * LANES), s2);
      s3 = DenseTile.fma(right(b, k + 3 * LANES), left(a, at + k + 3 * LANES), s3);
    }
    float sum = total(s0, s1, s2, s3, part);
    for (; k < length; k++) {
      sum += b.get(Tensor.FLOAT, 4L * k) * a[at + k];
    }
    return sum;
  }

  private static FloatVector right(MemorySegment b, int k) {
    return FloatVector.fromMemorySegment(Lanes.FLOATS, b, 4 * k, Lanes.ORDER);
  }

  private static FloatVector left(float[] a, int k) {
    return FloatVector.fromArray(Lanes.FLOATS, a, k);
  }

  private static float total(FloatVector s0, FloatVector s1, FloatVector s2, FloatVector s3, float[] part) {
    s0.add(s1).add(s2.add(s3)).intoArray(part, 0);
    return Lanes.sum(part, 0, LANES);
  }
}
