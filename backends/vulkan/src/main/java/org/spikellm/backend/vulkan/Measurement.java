package org.spikellm.backend.vulkan;

import java.util.Arrays;
import java.util.OptionalDouble;
import java.util.function.Consumer;
import org.spikellm.api.DeviceLimits;

/**
 * Measures what a device gives, one thing at a time, each repeated within a submission until that takes long enough for the
 * host's clock. Repetitions wait for nothing: they change nothing that another one reads.
 */
final class Measurement implements AutoCloseable {

  /** Of memory, far more than what caches hold. */
  private static final long BYTES = 512L << 20;
  private static final long LEAST_BYTES = 16L << 20;
  /** A workgroup of read.comp reads so many. */
  private static final int GROUP_BYTES = 128 << 10;
  /** Workgroups that multiply: more than what the largest GPU holds at a time. */
  private static final int GROUPS = 8192;
  /** Multiply-adds of a workgroup of fma.comp and of dot.comp, where each is of four bytes: threads, chains, steps. */
  private static final double MULTIPLY_ADDS = 128.0 * 8 * 512;
  /** Where a CPU acts as a GPU, so much less is enough. */
  private static final int SOFTWARE_MEMORY = 8;
  private static final int SOFTWARE_WORK = 32;
  private static final int LEAST_MILLIS = 20;
  private static final int MOST_REPETITIONS = 1 << 16;
  private static final int RUNS = 5;
  /** What memory is filled with; read.comp needs its words to be alike. */
  private static final int WORD = 0x3c3c3c3c;

  private final Device device;
  private final DeviceMemory memory;
  private final Kernels kernels;
  private final int groups;
  private final Recording recording;
  private final DeviceMemory.Range range;

  Measurement(Device device, DeviceMemory memory, Kernels kernels) {
    this.device = device;
    this.memory = memory;
    this.kernels = kernels;
    boolean software = device.facts().isSoftware();
    groups = GROUPS / (software ? SOFTWARE_WORK : 1);
    range = take(memory, Math.min(memory.largest(), BYTES / (software ? SOFTWARE_MEMORY : 1)) / GROUP_BYTES * GROUP_BYTES);
    try {
      recording = new Recording(device);
    } catch (RuntimeException | Error e) {
      memory.release(range);
      throw e;
    }
  }

  /** So much memory, or what is left of it in halves. */
  private static DeviceMemory.Range take(DeviceMemory memory, long bytes) {
    try {
      return memory.allocate(bytes);
    } catch (OutOfMemoryError e) {
      if (bytes / 2 < LEAST_BYTES) {
        throw e;
      }
      return take(memory, bytes / 2);
    }
  }

  DeviceLimits limits() {
    seconds(1, pass -> pass.fill(range, WORD));
    double copied = rate(range.bytes(), this::copy);
    double read = rate(range.bytes(), pass -> pass.dispatch(kernels.get(Shader.READ), Arguments.of(range, range),
        (int) (range.bytes() / GROUP_BYTES), 1));
    double flops = rate(2 * MULTIPLY_ADDS * groups, pass -> pass.dispatch(kernels.get(Shader.FMA),
        Arguments.of(range).withFloat(0.5f).withFloat(0.25f), groups, 1));
    OptionalDouble byteOps = OptionalDouble.empty();
    if (device.features().contains(Feature.INTEGER_DOT)) {
      byteOps = OptionalDouble.of(rate(8 * MULTIPLY_ADDS * groups, pass -> pass.dispatch(kernels.get(Shader.DOT),
          Arguments.of(range).with(0x7fff01fe), groups, 1)));
    }
    return new DeviceLimits(OptionalDouble.of(copied), read, flops, byteOps, (range.bytes() >> 20) + " MiB of memory, medians of "
        + RUNS + " runs of " + LEAST_MILLIS + " ms or more");
  }

  /** The first half to the second: as many bytes are read as written. */
  private void copy(Pass pass) {
    long half = range.bytes() / 2;
    pass.copy(range.buffer(), range.offset(), range.buffer(), range.offset() + half, half);
  }

  /** How many a second, where {@code work} is {@code amount} of them. */
  private double rate(double amount, Consumer<Pass> work) {
    int repetitions = 1;
    double seconds = seconds(repetitions, work);
    while (seconds < LEAST_MILLIS / 1e3 && repetitions < MOST_REPETITIONS) {
      double factor = Math.min(64, 1.1 * LEAST_MILLIS / 1e3 / seconds); // above 1.1
      repetitions = (int) Math.min(MOST_REPETITIONS, Math.ceil(repetitions * factor));
      seconds = seconds(repetitions, work);
    }
    double[] runs = new double[RUNS];
    Arrays.setAll(runs, run -> seconds());
    Arrays.sort(runs);
    return amount * repetitions / runs[RUNS / 2];
  }

  /** Of a first run, in which drivers may still prepare something. */
  private double seconds(int repetitions, Consumer<Pass> work) {
    recording.record(work, 0, (pass, host) -> {
      for (int i = 0; i < repetitions; i++) {
        work.accept(pass);
      }
      pass.then();
    });
    return seconds();
  }

  private double seconds() {
    long began = System.nanoTime();
    recording.run();
    return (System.nanoTime() - began) / 1e9;
  }

  @Override
  public void close() {
    device.await(); // after a failure something may still run
    recording.close();
    memory.release(range);
  }
}
