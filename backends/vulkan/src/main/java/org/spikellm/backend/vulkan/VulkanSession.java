package org.spikellm.backend.vulkan;

import java.util.concurrent.ForkJoinPool;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Session;
import org.spikellm.api.Shapes;
import org.spikellm.api.SpikingLinear;
import org.spikellm.api.Tensor;

/** An open device: each call copies its tensors there, runs kernels and copies back what they made. */
final class VulkanSession implements Session {

  /** Rows of the left factor up to which the right one is read once for each. */
  private static final int FEW_ROWS = 4;
  private static final int MATMUL_TILE = 64;
  private static final int MOST_GROUPS = 65_535;
  /** The right factor of a product is brought to the device in slabs of so many bytes. */
  private static final long SLAB = 64L << 20;

  private final int threads;
  private final Device device;
  private final DeviceMemory memory;
  private final Kernels kernels;
  private final Commands commands;
  /** For {@link #forEach} only. */
  private ForkJoinPool pool;
  private boolean closed;

  VulkanSession(Device device, int threads) {
    this.threads = threads;
    this.device = device;
    memory = new DeviceMemory(device);
    try {
      kernels = new Kernels(device);
      commands = new Commands(device);
    } catch (RuntimeException | Error e) {
      device.close();
      throw e;
    }
  }

  DeviceMemory memory() {
    return memory;
  }

  Kernels kernels() {
    return kernels;
  }

  Call call() {
    if (closed) {
      throw new IllegalStateException("this session of backend 'vulkan' is closed");
    }
    return new Call(memory, commands);
  }

  @Override
  public void matmul(Tensor a, Tensor b, Tensor out) {
    Shapes.matmul(a, b, out);
    if (a.rows() == 0 || b.rows() == 0) {
      return;
    }
    int type = switch (b.dtype()) {
      case F16 -> 1;
      case BF16 -> 2;
      default -> 0;
    };
    int slabRows = (int) Math.clamp(SLAB / Math.max(1, b.rowBytes()) / MATMUL_TILE * MATMUL_TILE, MATMUL_TILE, Integer.MAX_VALUE);
    try (Call call = call()) {
      DeviceMemory.Range left = call.upload(a);
      DeviceMemory.Range product = call.take(out.segment().byteSize());
      DeviceMemory.Range right = call.take(Math.min(slabRows, b.rows()) * b.rowBytes());
      for (int from = 0; from < b.rows(); from += slabRows) {
        Tensor slab = b.rows(from, Math.min(b.rows(), from + slabRows));
        call.commands().upload(slab.segment(), right);
        boolean few = a.rows() <= FEW_ROWS;
        Arguments arguments = Arguments.of(left, right, product.from(4L * from)).with(a.rows(), slab.rows(), b.columns(), b.rows());
        call.commands().dispatch(kernels.get(few ? Shader.MATVEC : Shader.MATMUL, type), arguments,
            few ? Math.min(slab.rows(), MOST_GROUPS) : (slab.rows() + MATMUL_TILE - 1) / MATMUL_TILE,
            few ? a.rows() : (a.rows() + MATMUL_TILE - 1) / MATMUL_TILE);
      }
      call.finish(product, out);
    }
  }

  @Override
  public SpikingLinear prepare(QuantizedWeight weight) {
    return new VulkanLinear(weight, this);
  }

  @Override
  public void forEach(int count, IntConsumer body) {
    if (threads == 1) {
      Session.super.forEach(count, body);
      return;
    }
    if (pool == null) {
      pool = new ForkJoinPool(threads);
    }
    pool.submit(() -> IntStream.range(0, count).parallel().forEach(body)).join();
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    if (pool != null) {
      pool.close();
    }
    commands.close();
    kernels.close();
    memory.close();
    device.close();
  }
}
