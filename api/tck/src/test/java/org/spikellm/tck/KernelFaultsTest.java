package org.spikellm.tck;

import static org.spikellm.tck.BackendTrial.broken;

import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.spikellm.api.CountRow;
import org.spikellm.api.DType;
import org.spikellm.api.Dynamics;
import org.spikellm.api.Encoding;
import org.spikellm.api.KeyValues;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.Tensor;

/** The rules for the kernels with defaults bite: each broken backend fails the rules that it breaks, and no others. */
class KernelFaultsTest {

  @TestFactory
  Stream<DynamicTest> brokenElementwise() {
    return Stream.of(
        broken("epsilon is left out", threads -> new NaiveSession(threads) {
          @Override
          public void rmsNorm(Tensor x, Tensor weight, float epsilon, Tensor out) {
            super.rmsNorm(x, weight, 0, out);
          }
        }, "B.40"),
        broken("pairs are neighbours", threads -> new NaiveSession(threads) {
          @Override
          public void rope(Tensor x, int headDim, Tensor table, int position) {
            super.rope(x, headDim, table, position); // for its checks
            for (int t = 0; t < x.rows(); t++) {
              for (int c = 0; c + 1 < x.columns(); c += 2) {
                float swapped = x.getFloat(t, c);
                x.setFloat(t, c, x.getFloat(t, c + 1));
                x.setFloat(t, c + 1, swapped);
              }
            }
          }
        }, "B.41"),
        broken("exponentials without the largest taken off", threads -> new NaiveSession(threads) {
          @Override
          public void softmax(Tensor x) {
            Tensor before = x.toF32();
            super.softmax(x);
            for (int t = 0; t < x.rows(); t++) {
              double sum = 0;
              for (int c = 0; c < x.columns(); c++) {
                sum += Math.exp(before.getFloat(t, c));
              }
              for (int c = 0; c < x.columns(); c++) {
                x.setFloat(t, c, (float) (Math.exp(before.getFloat(t, c)) / sum));
              }
            }
          }
        }, "B.42"),
        broken("an exponential that overflows", threads -> new NaiveSession(threads) {
          @Override
          public void swiGlu(Tensor gate, Tensor up, Tensor out) {
            Tensor g = gate.toF32();
            Tensor u = up.toF32();
            super.swiGlu(gate, up, out);
            for (int t = 0; t < out.rows(); t++) {
              for (int c = 0; c < out.columns(); c++) {
                double exp = Math.exp(g.getFloat(t, c));
                out.setFloat(t, c, (float) (g.getFloat(t, c) * exp / (1 + exp) * u.getFloat(t, c)));
              }
            }
          }
        }, "B.43"),
        broken("out is cleared before the inputs are read", threads -> new NaiveSession(threads) {
          @Override
          public void rmsNorm(Tensor x, Tensor weight, float epsilon, Tensor out) {
            super.rmsNorm(x, weight, epsilon, Tensor.allocate(out.dtype(), out.rows(), out.columns())); // for its checks
            out.clear();
            super.rmsNorm(x, weight, epsilon, out);
          }
        }, "B.44"));
  }

  /** A session whose encoder does something more after the right thing. */
  private abstract static class AfterEncode extends NaiveSession {
    AfterEncode(int threads) {
      super(threads);
    }

    @Override
    public void encode(Tensor x, Encoding encoding, SpikeTrain out) {
      super.encode(x, encoding, out);
      for (int t = 0; t < x.rows(); t++) {
        for (int c = 0; c < encoding.order().classes(); c++) {
          for (int place = encoding.order().start(c); place < encoding.order().end(c); place++) {
            float value = x.getFloat(t, encoding.order().order()[place]);
            spoil(value, t, c, place, encoding, out);
          }
        }
      }
    }

    abstract void spoil(float value, int t, int c, int place, Encoding encoding, SpikeTrain out);
  }

  @TestFactory
  Stream<DynamicTest> brokenEncoders() {
    return Stream.of(
        broken("halves are rounded up", threads -> new AfterEncode(threads) {
          @Override
          void spoil(float value, int t, int c, int place, Encoding encoding, SpikeTrain out) {
            if (encoding.collapsed()) {
              Dynamics dynamics = encoding.dynamics().get(c);
              double current = Math.floor(value / out.thresholds().getFloat(t, c) + 0.5) + out.zeros().getInt(t, c)
                  + encoding.offset();
              double count = Math.clamp(current, dynamics.countLow(), dynamics.countHigh());
              out.planes().getFirst().setInt(t, place, (int) count - encoding.offset());
            }
          }
        }, "B.50"),
        broken("everything fires in the first step", threads -> new AfterEncode(threads) {
          @Override
          void spoil(float value, int t, int c, int place, Encoding encoding, SpikeTrain out) {
            if (out.planes().size() > 1) {
              int sum = out.stored(t, place);
              out.planes().forEach(plane -> plane.setInt(t, place, 0));
              out.planes().getFirst().setInt(t, place, sum);
            }
          }
        }, "B.51", "B.52", "B.53"),
        broken("the threshold has no lower limit", threads -> new AfterEncode(threads) {
          @Override
          void spoil(float value, int t, int c, int place, Encoding encoding, SpikeTrain out) {
            if (out.thresholds().getFloat(t, c) == 1e-5f) {
              out.thresholds().setFloat(t, c, 1e-6f);
            }
          }
        }, "B.50", "B.51", "B.52", "B.53"),
        broken("the threshold has no upper limit", threads -> new AfterEncode(threads) {
          @Override
          void spoil(float value, int t, int c, int place, Encoding encoding, SpikeTrain out) {
            if (out.thresholds().getFloat(t, c) == 1e4f) {
              out.thresholds().setFloat(t, c, 2e4f);
            }
          }
        }, "B.52"));
  }

  @TestFactory
  Stream<DynamicTest> brokenAttention() {
    return Stream.of(
        broken("heads are scaled by 1/headDim", threads -> new NaiveSession(threads) {
          @Override
          public void attention(Tensor queries, KeyValues cache, int position, Tensor out) {
            Tensor scaled = queries.toF32();
            for (int t = 0; t < queries.rows(); t++) {
              for (int c = 0; c < queries.columns(); c++) {
                scaled.setFloat(t, c, (float) (queries.getFloat(t, c) / Math.sqrt(cache.headDim())));
              }
            }
            super.attention(queries.dtype() == DType.F32 ? scaled : queries, cache, position, out);
          }
        }, "B.60", "B.61", "B.62", "B.63"),
        broken("over spikes, the zero point of keys is one more", threads -> new NaiveSession(threads) {
          @Override
          public void attention(Tensor queries, KeyValues cache, int position, Tensor out) {
            KeyValues other = cache;
            if (cache.spiking()) {
              Tensor keys = Tensor.allocate(cache.keys().dtype(), cache.keys().rows(), cache.keys().columns());
              keys.segment().copyFrom(cache.keys().segment());
              keys.setInt(0, 0, keys.getInt(0, 0) ^ 1);
              other = new KeyValues(cache.kvHeads(), cache.headDim(), cache.capacity(), cache.encoding(), keys, cache.values(),
                  cache.valueThresholds(), cache.valueZeros());
            }
            super.attention(queries, other, position, out);
          }
        }, "B.61", "B.63"),
        broken("later positions are read and weighted with zero", threads -> new NaiveSession(threads) {
          @Override
          public void attention(Tensor queries, KeyValues cache, int position, Tensor out) {
            super.attention(queries, cache, position, out);
            if (!cache.spiking()) {
              out.setFloat(0, 0, out.getFloat(0, 0) + 0 * cache.values().getFloat(cache.capacity() - 1, 0));
            }
          }
        }, "B.62"));
  }

  /** A session whose attention reads what is packed in its own way. */
  private abstract static class Unpacking extends NaiveSession {
    Unpacking(int threads) {
      super(threads);
    }

    @Override
    public void attention(Tensor queries, KeyValues cache, int position, Tensor out) {
      super.attention(queries, cache.spiking() && cache.counts().isPacked() ? decoded(cache) : cache, position, out);
    }

    private KeyValues decoded(KeyValues cache) {
      KeyValues floats = KeyValues.allocate(cache.kvHeads(), cache.headDim(), cache.capacity(), null);
      for (int r = 0; r < floats.keys().rows(); r++) {
        for (int c = 0; c < cache.headDim(); c++) {
          int channel = r / cache.capacity() * cache.headDim() + c;
          int salient = cache.encoding().valueSalient()[channel] ? 1 : 0;
          floats.keys().setFloat(r, c, cache.encoding().keyRange(channel).decode(count(cache.counts(), cache.keys(), r, c)));
          floats.values().setFloat(r, c, (count(cache.counts(), cache.values(), r, c) - cache.valueZeros().getInt(r, salient))
              * cache.valueThresholds().getFloat(r, salient));
        }
      }
      return floats;
    }

    abstract int count(CountRow layout, Tensor rows, int row, int channel);
  }

  @TestFactory
  Stream<DynamicTest> brokenUnpacking() {
    return Stream.of(
        broken("bit 4 of a packed count is lost", threads -> new Unpacking(threads) {
          @Override
          int count(CountRow layout, Tensor rows, int row, int channel) {
            return (layout.get(rows, row, channel) - layout.low() & ~16) + layout.low();
          }
        }, "B.63"),
        broken("bit 5 of a packed count is that of the channel before", threads -> new Unpacking(threads) {
          @Override
          int count(CountRow layout, Tensor rows, int row, int channel) {
            int code = layout.get(rows, row, channel) - layout.low();
            int before = layout.get(rows, row, Math.max(0, channel - 1)) - layout.low();
            return (code & ~32 | before & 32) + layout.low();
          }
        }, "B.63"),
        broken("nibbles of a byte change places", threads -> new Unpacking(threads) {
          @Override
          int count(CountRow layout, Tensor rows, int row, int channel) {
            return layout.get(rows, row, (channel ^ 1) < layout.channels() ? channel ^ 1 : channel);
          }
        }, "B.63"),
        broken("the smallest count is taken for 0", threads -> new Unpacking(threads) {
          @Override
          int count(CountRow layout, Tensor rows, int row, int channel) {
            return layout.get(rows, row, channel) - layout.low();
          }
        }, "B.63"));
  }
}
