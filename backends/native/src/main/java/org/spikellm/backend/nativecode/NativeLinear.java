package org.spikellm.backend.nativecode;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.ref.Reference;
import java.util.List;
import java.util.stream.LongStream;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.CodeClass;
import org.spikellm.api.DType;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Shapes;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.SpikingLinear;
import org.spikellm.api.Tensor;

/**
 * A quantized linear layer: repacked in the library's memory, or, where its codes lie in tiles, run with these where they are. These are
 * the library's lines.
 */
final class NativeLinear implements SpikingLinear {

  private static final long IN_ROWS = 0;
  private static final long IN_LINES = 1;
  private static final long IN_LINES_TO_COPY = 2;

  /** Bytes of a line, and what its address is a multiple of. */
  private static final int LINE = 64;

  private final NativeSession session;
  private final int rows;
  private final ChannelOrder order;
  private final long handle;
  /** The weight whose codes the library reads, or null. */
  private final QuantizedWeight kept;
  /** Addresses of the planes of a train, for the library to read. */
  private MemorySegment planes = MemorySegment.NULL;

  NativeLinear(QuantizedWeight weight, NativeSession session) {
    this.session = session;
    rows = weight.rows();
    order = weight.order();
    kept = weight.classes().stream().anyMatch(codes -> layout(codes) == IN_LINES) ? weight : null;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment channels = arena.allocateFrom(ValueLayout.JAVA_INT, order.order());
      long[] description = weight.classes().stream().flatMapToLong(c -> description(c, arena)).toArray();
      handle = Kernels.prepare(session.handle(), rows, weight.classes().size(), channels.address(),
          arena.allocateFrom(ValueLayout.JAVA_LONG, description).address());
    }
    Reference.reachabilityFence(weight);
    if (handle == 0) {
      throw new OutOfMemoryError("backend 'native': no memory left for a weight [" + rows + ", " + order.channels() + "]");
    }
  }

  /** How codes lie, as the library calls it: those in tiles are copied where vectors cannot be read from their address. */
  private static long layout(CodeClass codes) {
    return codes.layout() == CodeClass.Layout.ROWS || codes.columns() == 0 ? IN_ROWS
        : NativeSession.address(codes.codes()) % LINE == 0 ? IN_LINES : IN_LINES_TO_COPY;
  }

  /** The ten numbers that the library wants to know of a class. */
  private static LongStream description(CodeClass codes, Arena arena) {
    return LongStream.of(codes.columns(), codes.bits(), codes.timeSteps() > 0 ? codes.zeros().getInt(0, 0) : 0, codes.groups(),
        arena.allocateFrom(ValueLayout.JAVA_INT, codes.groupEnds()).address(), layout(codes), NativeSession.address(codes.codes()),
        NativeSession.address(codes.scales()), codes.scales().dtype() == DType.F16 ? 1 : 0, NativeSession.address(codes.zeros()));
  }

  /** The library's weight, which the session owns. */
  long handle() {
    return handle;
  }

  NativeSession session() {
    return session;
  }

  @Override
  public int rows() {
    return rows;
  }

  @Override
  public boolean keepsWeight() {
    return kept != null;
  }

  @Override
  public int columns() {
    return order.channels();
  }

  @Override
  public void accumulate(SpikeTrain x, Tensor out) {
    session.handle();
    Shapes.accumulate(x, order, rows, out);
    if (x.tokens() == 0 || rows == 0) {
      return;
    }
    List<Tensor> counts = x.planes();
    if (planes.byteSize() < (long) counts.size() * Long.BYTES) {
      planes = Arena.ofAuto().allocate(ValueLayout.JAVA_LONG, counts.size());
    }
    for (int p = 0; p < counts.size(); p++) {
      planes.setAtIndex(ValueLayout.JAVA_LONG, p, NativeSession.address(counts.get(p)));
    }
    NativeSession.check(Kernels.spikes(handle, x.tokens(), counts.size(), planes.address(),
        counts.getFirst().dtype() == DType.I16 ? 1 : 0, NativeSession.address(x.thresholds()), NativeSession.address(x.zeros()),
        NativeSession.address(out)));
    Reference.reachabilityFence(x);
    NativeSession.keep(out);
    Reference.reachabilityFence(this);   // planes, and the weight where it runs in place
  }

  @Override
  public void accumulate(Tensor x, Tensor out) {
    session.handle();
    Shapes.f32("linear input", x, x.rows(), columns());
    Shapes.f32("linear output", out, x.rows(), rows);
    if (x.rows() == 0 || rows == 0) {
      return;
    }
    NativeSession.check(Kernels.floats(handle, x.rows(), NativeSession.address(x), NativeSession.address(out)));
    NativeSession.keep(x, out);
    Reference.reachabilityFence(this);
  }
}
