package org.spikellm.benchmarks;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.concurrent.TimeUnit;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorSpecies;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.annotations.Warmup;

/** What the machine gives at most, through the same Vector API: GB/s read from memory, 10⁹ multiply-adds a second in registers. */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class MachineLimits {

  private static final int BYTES = 1 << 28;
  private static final int STEPS = 1 << 16;
  private static final VectorSpecies<Long> LONGS = LongVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Short> SHORTS = ShortVector.SPECIES_PREFERRED;

  private Arena arena;
  private MemorySegment memory;

  @Setup
  public void allocate() {
    arena = Arena.ofShared();
    memory = arena.allocate(BYTES, 64);
    memory.fill((byte) 1);
  }

  @TearDown
  public void free() {
    arena.close();
  }

  @Benchmark
  @OperationsPerInvocation(BYTES)
  public long readOneThread() {
    return read(memory);
  }

  @Benchmark
  @Threads(2)
  @OperationsPerInvocation(BYTES)
  public long readTwoThreads() {
    return read(memory);
  }

  /** Two streams, each of whole cache lines in order. */
  private static long read(MemorySegment memory) {
    LongVector a = LongVector.zero(LONGS);
    LongVector b = LongVector.zero(LONGS);
    LongVector c = LongVector.zero(LONGS);
    LongVector d = LongVector.zero(LONGS);
    int width = LONGS.vectorByteSize();
    int half = BYTES / 2;
    for (int i = 0; i < half; i += 2 * width) {
      a = a.add(load(memory, i));
      b = b.add(load(memory, i + width));
      c = c.add(load(memory, i + half));
      d = d.add(load(memory, i + half + width));
    }
    return a.add(b).add(c.add(d)).lane(0);
  }

  private static LongVector load(MemorySegment memory, int at) {
    return LongVector.fromMemorySegment(LONGS, memory, at, ByteOrder.LITTLE_ENDIAN);
  }

  /** Counted in vectors: times the lanes (8 in 256 bits) gives multiply-adds. Ten chains hide the latency. */
  @Benchmark
  @OperationsPerInvocation(STEPS * 10)
  public float floatMultiplyAddVectors() {
    FloatVector x = FloatVector.broadcast(FLOATS, 1e-9f);
    FloatVector y = FloatVector.broadcast(FLOATS, 0.999f);
    FloatVector a = x;
    FloatVector b = x;
    FloatVector c = x;
    FloatVector d = x;
    FloatVector e = x;
    FloatVector f = x;
    FloatVector g = x;
    FloatVector h = x;
    FloatVector i = x;
    FloatVector j = x;
    for (int step = 0; step < STEPS; step++) {
      a = a.fma(y, x);
      b = b.fma(y, x);
      c = c.fma(y, x);
      d = d.fma(y, x);
      e = e.fma(y, x);
      f = f.fma(y, x);
      g = g.fma(y, x);
      h = h.fma(y, x);
      i = i.fma(y, x);
      j = j.fma(y, x);
    }
    return a.add(b).add(c).add(d).add(e).add(f).add(g).add(h).add(i).add(j).lane(0);
  }

  /** A product and a sum of shorts, the step of the integer kernels, in vectors of 16 lanes in 256 bits: the Vector API has no form that does both at once. */
  @Benchmark
  @OperationsPerInvocation(STEPS * 8)
  public short shortMultiplyAddVectors() {
    ShortVector x = ShortVector.broadcast(SHORTS, (short) 3);
    ShortVector y = ShortVector.broadcast(SHORTS, (short) 5);
    ShortVector a = x;
    ShortVector b = x.add((short) 1);
    ShortVector c = x.add((short) 2);
    ShortVector d = x.add((short) 3);
    ShortVector e = x.add((short) 4);
    ShortVector f = x.add((short) 5);
    ShortVector g = x.add((short) 6);
    ShortVector h = x.add((short) 7);
    for (int step = 0; step < STEPS; step++) {
      a = a.mul(y).add(x);
      b = b.mul(y).add(x);
      c = c.mul(y).add(x);
      d = d.mul(y).add(x);
      e = e.mul(y).add(x);
      f = f.mul(y).add(x);
      g = g.mul(y).add(x);
      h = h.mul(y).add(x);
    }
    return a.add(b).add(c).add(d).add(e).add(f).add(g).add(h).lane(0);
  }
}
