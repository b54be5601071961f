package org.spikellm.backend.simd;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import org.spikellm.api.DType;
import org.spikellm.api.Tensor;

/** Products of a few rows of a with every row of b, which is read once and not packed: one token's linear layer in float. */
final class DenseDots {

  private static final int LANES = Lanes.COUNT;

  /** Columns of b that are converted at a time. */
  private static final int CHUNK = 512;

  private DenseDots() {}

  static void matmul(Tensor a, Tensor b, Tensor out, SimdSession session) {
    int depth = a.columns();
    float[] left = session.shared(a.rows() * depth);
    MemorySegment.copy(a.segment(), Tensor.FLOAT, 0, left, 0, a.rows() * depth);
    if (b.dtype() == DType.F16) {
      HalfDots.scale(left, a.rows() * depth);
    }
    int grain = session.grain(b.rows(), (long) depth * 2);
    session.workers().forEach(Lanes.ceilDiv(b.rows(), grain), (slice, worker) -> {
      float[] part = session.scratch(worker).c(LANES);
      for (int j = slice * grain; j < Math.min(b.rows(), (slice + 1) * grain); j++) {
        MemorySegment row = b.segment().asSlice(j * b.rowBytes(), b.rowBytes());
        for (int i = 0; i < a.rows(); i++) {
          float dot = switch (b.dtype()) {
            case F32 -> dot(row, left, i * depth, depth, part);
            case F16 -> HalfDots.f16(row, left, i * depth, depth, part);
            default -> HalfDots.bf16(row, left, i * depth, depth, part);
          };
          out.segment().set(Tensor.FLOAT, ((long) i * b.rows() + j) * Float.BYTES, dot);
        }
      }
    });
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
