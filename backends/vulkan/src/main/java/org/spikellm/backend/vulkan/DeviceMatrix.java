package org.spikellm.backend.vulkan;

import java.util.ArrayList;
import java.util.List;
import org.spikellm.api.DType;
import org.spikellm.api.Tensor;

/** A dense weight on the device, [rows, columns]; one that is larger than a range may be lies in several. */
final class DeviceMatrix {

  private record Part(int firstRow, int rows, DeviceMemory.Range values) {}

  private final DType type;
  private final int rows;
  private final int columns;
  private final List<Part> parts = new ArrayList<>();

  /** Copies {@code weight}; the ranges that it takes are added to {@code kept}. */
  DeviceMatrix(Tensor weight, DeviceMemory memory, Commands commands, List<DeviceMemory.Range> kept) {
    type = weight.dtype();
    rows = weight.rows();
    columns = weight.columns();
    int most = Math.clamp(memory.largest() / Math.max(1, weight.rowBytes()), 1, Math.max(1, rows));
    for (int from = 0; from < rows; from += most) {
      Tensor part = weight.rows(from, Math.min(rows, from + most));
      DeviceMemory.Range range = memory.allocate(part.segment().byteSize());
      kept.add(range);
      commands.upload(part.segment(), range);
      parts.add(new Part(from, part.rows(), range));
    }
  }

  /**
   * {@code out = x Wᵀ + bias}, or added to what is there.
   *
   * @param x F32 [tokens, columns]
   * @param bias F32 [rows], or null
   * @param out F32 [tokens, rows]
   */
  void multiply(Recorder recorder, Kernels kernels, DeviceMemory.Range x, int tokens, DeviceMemory.Range bias,
      DeviceMemory.Range out, boolean adds) {
    for (Part part : parts) {
      long skipped = 4L * part.firstRow;
      new Product(x, tokens, part.values, type, part.rows, columns)
          .record(recorder, kernels, out.from(skipped), rows, bias == null ? null : bias.from(skipped), adds);
    }
  }
}
