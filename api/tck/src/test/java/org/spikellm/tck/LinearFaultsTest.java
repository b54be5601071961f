package org.spikellm.tck;

import static org.spikellm.tck.BackendTrial.broken;
import static org.spikellm.tck.BackendTrial.brokenLinear;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.spikellm.api.CodeClass;
import org.spikellm.api.DType;
import org.spikellm.api.Encoding;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Shapes;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.SpikingLinear;
import org.spikellm.api.Tensor;

/** The rules for the spiking linear bite: each broken backend fails the rules that it breaks, and no others. */
class LinearFaultsTest {

  @TestFactory
  Stream<DynamicTest> brokenLinears() {
    return Stream.of(
        brokenLinear("integers wrap at 32 bits", weight -> new NaiveSession.Linear(weight) {
          @Override
          long integer(int[] counts, int[] codes, int zero, int from, int to) {
            return (int) super.integer(counts, codes, zero, from, to);
          }
        }, "B.31", "B.32"),
        brokenLinear("integers are summed in float", weight -> new NaiveSession.Linear(weight) {
          @Override
          long integer(int[] counts, int[] codes, int zero, int from, int to) {
            float sum = 0;
            for (int j = from; j < to; j++) {
              sum += (float) counts[j] * (codes[j] - zero);
            }
            return (long) sum;
          }
        }, "B.30", "B.31", "B.32"),
        brokenLinear("codes less the zero point wrap at 8 bits", weight -> new NaiveSession.Linear(weight) {
          @Override
          long integer(int[] counts, int[] codes, int zero, int from, int to) {
            return super.integer(counts, codes, Math.clamp(zero, -512, 511), from, to);
          }
        }, "B.32"),
        brokenLinear("the offset is added once more", weight -> new NaiveSession.Linear(weight) {
          @Override
          int[] counts(SpikeTrain x, int t, int c) {
            int[] counts = super.counts(x, t, c);
            for (int j = 0; j < counts.length; j++) {
              counts[j] += x.offset();
            }
            return counts;
          }
        }, "B.30", "B.35", "B.38"),
        brokenLinear("the last plane is left out", weight -> new NaiveSession.Linear(weight) {
          @Override
          int[] counts(SpikeTrain x, int t, int c) {
            int[] counts = super.counts(x, t, c);
            for (int j = 0; j < counts.length && x.planes().size() > 1; j++) {
              counts[j] -= x.planes().getLast().getInt(t, weight.order().start(c) + j);
            }
            return counts;
          }
        }, "B.30", "B.38"),
        brokenLinear("a scale of zero is taken for one", weight -> new NaiveSession.Linear(weight) {
          @Override
          float add(float sum, long integer, float theta, float scale) {
            return super.add(sum, integer, theta, scale == 0 ? 1 : scale);
          }
        }, "B.33"),
        brokenLinear("what is in out is replaced", weight -> new NaiveSession.Linear(weight) {
          @Override
          public void accumulate(SpikeTrain x, Tensor out) {
            Tensor fresh = Tensor.allocate(DType.F32, out.rows(), out.columns());
            super.accumulate(x, fresh);
            Shapes.f32("out", out, x.tokens(), rows());
            out.segment().copyFrom(fresh.segment());
          }
        }, "B.33", "B.34", "B.38"),
        brokenLinear("the product is rounded twice", weight -> new NaiveSession.Linear(weight) {
          @Override
          float add(float sum, long integer, float theta, float scale) {
            return sum + (float) integer * theta * scale;
          }
        }, "B.34", "B.35", "B.38"),
        brokenLinear("every group is as wide as the first", weight -> new NaiveSession.Linear(weight) {
          @Override
          long integer(int[] counts, int[] codes, int zero, int from, int to) {
            int width = weight.classes().getFirst().columns() == 0 ? to : weight.classes().getFirst().groupEnd(0);
            boolean trains = weight.classes().getFirst().timeSteps() > 0;
            return super.integer(counts, codes, zero, from, trains ? Math.min(codes.length, from + width) : to);
          }
        }, "B.38"),
        brokenLinear("columns stay in their own order", weight -> new NaiveSession.Linear(weight) {
          @Override
          public void accumulate(Tensor x, Tensor out) {
            Tensor turned = x.toF32();
            for (int t = 0; t < x.rows() && x.columns() == columns(); t++) {
              for (int place = 0; place < columns(); place++) {
                turned.setFloat(t, weight.order().order()[place], x.getFloat(t, place));
              }
            }
            super.accumulate(x.dtype() == DType.F32 ? turned : x, out);
          }
        }, "B.36", "B.38"),
        brokenLinear("weights are said to be copied and are not", weight -> new NaiveSession.Linear(weight) {
          @Override
          public boolean keepsWeight() {
            return false;
          }
        }, "B.39"),
        broken("tiles are taken for rows", threads -> new NaiveSession(threads) {
          @Override
          public boolean readsTiles() {
            return true;
          }

          @Override
          public SpikingLinear prepare(QuantizedWeight weight) {
            return new Linear(new QuantizedWeight(weight.rows(), weight.order(), weight.classes().stream().map(c -> {
              CodeClass rows = c.inRows();
              rows.codes().segment().copyFrom(c.codes().segment().asSlice(0, rows.codes().segment().byteSize()));
              return rows;
            }).toList()));
          }
        }, "B.75"),
        broken("tiles are said to be copied and are not", threads -> new NaiveSession(threads) {
          @Override
          public boolean readsTiles() {
            return true;
          }

          @Override
          public SpikingLinear prepare(QuantizedWeight weight) {
            return new Linear(weight) {
              @Override
              public boolean keepsWeight() {
                return weight.classes().getFirst().layout() == CodeClass.Layout.ROWS;
              }
            };
          }
        }, "B.75"),
        broken("layers that share an input are cut to the rows of the first", threads -> new NaiveSession(threads) {
          @Override
          public void accumulate(List<SpikingLinear> layers, Tensor x, List<Tensor> outs) {
            List<float[]> before = outs.stream().map(Tensor::toFloats).toList();
            super.accumulate(layers, x, outs);
            for (int i = 1; i < outs.size(); i++) {
              Tensor out = outs.get(i);
              for (int t = 0; t < out.rows(); t++) {
                for (int r = outs.getFirst().columns(); r < out.columns(); r++) {
                  out.setFloat(t, r, before.get(i)[t * out.columns() + r]);
                }
              }
            }
          }
        }, "B.76"),
        broken("floats are left out where spikes were said to come", threads -> new NaiveSession(threads) {
          @Override
          public SpikingLinear prepare(QuantizedWeight weight, Encoding input) {
            return input == null ? prepare(weight) : new Linear(weight) {
              @Override
              public void accumulate(Tensor x, Tensor out) {
              }
            };
          }
        }, "B.36", "B.38"),
        broken("all weights are the one that was prepared last", threads -> new NaiveSession(threads) {
          private QuantizedWeight latest;

          @Override
          public SpikingLinear prepare(QuantizedWeight weight) {
            latest = weight;
            return new Linear(weight) {
              @Override
              int[][] codes(int c) {
                return new Linear(latest).codes(c);
              }
            };
          }
        }, "B.37", "B.71"));
  }
}
