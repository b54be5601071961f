package org.spikellm.backend.vulkan;

import org.spikellm.api.DType;

/**
 * A matrix product {@code out[i, j] = Σ_k a[i, k] · b[j, k]} on the device.
 *
 * @param a F32 [m, k]
 * @param m its rows
 * @param b [n, k] of {@code type}
 * @param type F32, F16 or BF16
 * @param n its rows
 * @param k columns of both
 */
record Product(DeviceMemory.Range a, int m, DeviceMemory.Range b, DType type, int n, int k) {

  /** The workgroups of matmul.comp make so many rows and columns each. */
  static final int TILE = 64;
  /** Rows of a up to which b is read once for each. */
  private static final int FEW_ROWS = 4;
  private static final int MATVEC_LINES = 4;
  /** Bytes that are read at once. */
  private static final int QUAD = 16;

  /**
   * Records it.
   *
   * @param out F32 [m, n], its rows {@code stride} apart
   * @param bias F32 [n], or null
   * @param adds whether the product is added to what is in {@code out}
   */
  void record(Recorder recorder, Kernels kernels, DeviceMemory.Range out, int stride, DeviceMemory.Range bias, boolean adds) {
    boolean few = m <= FEW_ROWS;
    int floats = switch (type) {
      case F16 -> 1;
      case BF16 -> 2;
      default -> 0;
    };
    int biased = bias == null ? 0 : 1;
    boolean quads = k * (long) type.bytes() % QUAD == 0 && a.address() % QUAD == 0 && b.address() % QUAD == 0;
    Kernel kernel = few ? kernels.get(Shader.MATVEC, floats, biased, quads ? 1 : 0) : kernels.get(Shader.MATMUL, floats, biased);
    Arguments arguments = Arguments.of(a, b, out, bias == null ? out : bias).with(m, n, k, stride, adds ? 1 : 0);
    if (few) {
      recorder.dispatch(kernel, arguments, Pass.groups((n + MATVEC_LINES - 1) / MATVEC_LINES), m);
    } else {
      recorder.dispatch(kernel, arguments, (n + TILE - 1) / TILE, (m + TILE - 1) / TILE);
    }
  }
}
