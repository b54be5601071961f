package org.spikellm.launcher.registry;

import java.util.List;
import org.spikellm.api.Availability;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.CodeClass;
import org.spikellm.api.ComputeBackend;
import org.spikellm.api.DType;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;

/** A plug-in's backend: each session multiplies something small when it is opened, and is watched from then on. */
final class GuardedBackend extends Guarded<ComputeBackend> implements ComputeBackend {

  private static final float[] LEFT = {1, 2, 3};
  private static final float[] RIGHT = {4, 0, 5};
  /** 1·4 + 2·0 + 3·5. */
  private static final float PRODUCT = 19;

  GuardedBackend(ComputeBackend backend, Guard guard) {
    super(backend, guard);
  }

  /** What it answers or throws: {@link Probe} limits its time and makes a reason of what it throws. */
  @Override
  public Availability probe() {
    return guard.context().call(provider::probe);
  }

  @Override
  public Session open(int threads) {
    Session session = new GuardedSession(guard.call("open", () -> provider.open(threads)), guard);
    try {
      multiply(session);
      return session;
    } catch (RuntimeException | Error e) {
      try (session) {
        throw e;
      }
    }
  }

  private void multiply(Session session) {
    Tensor out = Tensor.of(1, Float.NaN);
    session.matmul(Tensor.of(1, LEFT), Tensor.of(1, RIGHT), out);
    expect("matmul", out);
    Tensor codes = Tensor.allocate(DType.U8, 1, RIGHT.length);
    for (int j = 0; j < RIGHT.length; j++) {
      codes.setInt(0, j, (int) RIGHT[j]);
    }
    CodeClass codeClass = new CodeClass(RIGHT.length, Byte.SIZE, 0, new int[] {RIGHT.length}, codes, Tensor.of(1, 1),
        Tensor.allocate(DType.I16, 1, 1));
    out.setFloat(0, 0, 0);
    session.prepare(new QuantizedWeight(1, ChannelOrder.identity(RIGHT.length), List.of(codeClass)))
        .accumulate(Tensor.of(1, LEFT), out);
    expect("accumulate", out);
  }

  private void expect(String kernel, Tensor out) {
    guard.require(out.getFloat(0, 0) == PRODUCT, kernel + " of a product that is " + PRODUCT + " made " + out.getFloat(0, 0));
  }
}
