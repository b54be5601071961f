package org.spikellm.backend.simd;

import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Shapes;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.SpikingLinear;
import org.spikellm.api.Tensor;

/** A linear layer whose weights are spikes of one time step, for counts of few bits. What else comes is looked up in tables. */
final class PlaneLinear implements SpikingLinear {

  private final SimdSession session;
  private final PlaneCodes codes;
  /** Made when it is needed first, against what was said of the inputs. */
  private TernaryLinear lookUps;

  PlaneLinear(QuantizedWeight weight, SimdSession session) {
    this.session = session;
    codes = PlaneCodes.of(weight, session);
  }

  @Override
  public int rows() {
    return codes.rows;
  }

  @Override
  public int columns() {
    return codes.columns;
  }

  @Override
  public boolean keepsWeight() {
    return false;
  }

  @Override
  public void accumulate(SpikeTrain x, Tensor out) {
    Shapes.accumulate(x, codes.order, codes.rows, out);
    session.checkOpen();
    boolean plain = session.plain(Warmup.Stage.PLANES, x.tokens(), (long) codes.rows * codes.columns);
    SpikePlanes planes = session.planes();
    if (!planes.read(codes, x, session, plain)) {
      lookUps().accumulate(x, out);
      return;
    }
    Slices.accumulate(session, out, Lanes.BLOCK, PlaneCodes.MIN_BLOCKS, (first, last, token, count, sums, worker) -> {
      if (plain) {
        PlainPlanes.add(codes, planes, first, last, token, count, sums, session.scratch(worker));
      } else {
        PlaneDots.add(codes, planes, first, last, token, count, sums, session.scratch(worker));
      }
    });
  }

  @Override
  public void accumulate(Tensor x, Tensor out) {
    lookUps().accumulate(x, out);
  }

  private TernaryLinear lookUps() {
    session.checkOpen();
    lookUps = lookUps == null ? new TernaryLinear(codes.weight(), session, false) : lookUps;
    return lookUps;
  }
}
